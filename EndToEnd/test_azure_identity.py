"""azure-identity, the library by which programs sign in, in each of its ways that fit a server of one's own."""

import concurrent.futures
import re

import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import (
    AzureCliCredential,
    CertificateCredential,
    ClientSecretCredential,
    DeviceCodeCredential,
    UsernamePasswordCredential,
)

from azure_cli import PROGRAM
from azure_sdk import Clients
from lab.world import CERT_ROBOT, CI_ROBOT, TENANT
from pages import enter_code, press, sign_in_as
from sign_in import AZURE_CLI, payload


@pytest.fixture
def options(world):
    """What each credential must be told about a server that is not Microsoft's."""
    return {
        "authority": world.url,
        "disable_instance_discovery": True,
        "connection_verify": str(world.server.authority),
        "use_env_settings": False,
        "retry_total": 0,
    }


def groups_seen_with(world, endpoint, credential):
    """The resource groups that somebody sees by this credential: the token is good for something."""
    clients = Clients(world, endpoint.arm_scope, credential)
    return {group.name for group in clients.resources.resource_groups.list()}


def test_a_secret(world, endpoint, options):
    credential = ClientSecretCredential(TENANT, CI_ROBOT, world.secrets["SALLYPORT_SP_SECRET"], **options)
    claims = payload(credential.get_token(endpoint.arm_scope).token)
    assert claims["appid"] == CI_ROBOT and claims["tid"] == TENANT
    assert "demo" in groups_seen_with(world, endpoint, credential)


def test_a_wrong_secret_is_an_error_of_authentication(endpoint, options):
    credential = ClientSecretCredential(TENANT, CI_ROBOT, "wrong", **options)
    with pytest.raises(ClientAuthenticationError, match="AADSTS7000215"):
        credential.get_token(endpoint.arm_scope)


@pytest.mark.parametrize("chain", [False, True], ids=["thumbprint", "chain"])
def test_a_certificate(world, endpoint, options, chain):
    credential = CertificateCredential(
        TENANT, CERT_ROBOT, str(world.robot_pem), send_certificate_chain=chain, **options
    )
    try:
        assert payload(credential.get_token(endpoint.arm_scope).token)["appid"] == CERT_ROBOT
    except ClientAuthenticationError as refusal:
        # Trust by subject name and issuer is not offered; it must be refused in so many words.
        assert chain and "AADSTS" in str(refusal)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_user_name_and_a_password(world, endpoint, options):
    credential = UsernamePasswordCredential(
        AZURE_CLI, world.upn("alice"), world.password("alice"), tenant_id=TENANT, **options
    )
    assert payload(credential.get_token(endpoint.arm_scope).token)["upn"] == world.upn("alice")
    assert "demo" in groups_seen_with(world, endpoint, credential)


@pytest.mark.browser
def test_a_code_for_another_device(world, endpoint, options, page):
    shown = concurrent.futures.Future()
    credential = DeviceCodeCredential(
        AZURE_CLI, tenant_id=TENANT, timeout=60,
        prompt_callback=lambda address, code, _: shown.set_result((address, code)), **options,
    )  # fmt: skip
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        asked = pool.submit(credential.get_token, endpoint.arm_scope)
        address, code = shown.result(20)
        page.goto(address)
        enter_code(page, code)
        sign_in_as(page, world, "alice")
        press(page, "confirm")
        assert payload(asked.result(60).token)["upn"] == world.upn("alice")


def test_the_azure_cli_s_own_sign_in(world, az, endpoint, monkeypatch):
    cli = az("dave")
    for name, value in cli.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PATH", f"{PROGRAM.parent}:/usr/bin:/bin")
    credential = AzureCliCredential(process_timeout=60)
    assert payload(credential.get_token(endpoint.arm_scope).token)["upn"] == world.upn("dave")
    assert re.match(r"\w", credential.get_token(endpoint.arm_scope, tenant_id=TENANT).token)
