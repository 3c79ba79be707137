"""Signing in with the real Azure CLI, each way it knows, and being refused."""

import re
import time

import pytest

from azure_cli import CommandRefused
from lab.world import CERT_ROBOT, CI_ROBOT, SUBSCRIPTION, TENANT
from pages import enter_code, press, sign_in_as, url_of_browser


def signed_in_name(cli):
    account = cli.run("account", "show")
    assert account["tenantId"] == TENANT and account["id"] == SUBSCRIPTION
    return account["user"]["name"]


def test_user_name_and_password(world, fresh_az):
    cli = fresh_az()
    accounts = cli.run("login", "-u", world.upn("alice"), "-p", world.password("alice"))
    assert [account["name"] for account in accounts] == ["Tests"]
    assert signed_in_name(cli) == "alice@contoso.example"


def test_user_name_and_password_with_the_tenant_by_its_domain(world, fresh_az):
    cli = fresh_az()
    cli.run("login", "-u", world.upn("alice"), "-p", world.password("alice"), "--tenant", "contoso.example")
    assert signed_in_name(cli) == "alice@contoso.example"


def test_service_principal_with_a_secret(world, fresh_az):
    cli = fresh_az()
    cli.run(
        "login", "--service-principal", "-u", CI_ROBOT, "-p", world.secrets["SALLYPORT_SP_SECRET"], "--tenant", TENANT
    )
    assert signed_in_name(cli) == CI_ROBOT


@pytest.mark.parametrize("more", [[], ["--use-cert-sn-issuer"]], ids=["thumbprint", "chain"])
def test_service_principal_with_a_certificate(world, fresh_az, more):
    cli = fresh_az()
    pem = str(world.robot_pem)
    if more:
        # Subject-name-and-issuer trust is an agreement with the directory that this one does not offer: it may be
        # refused, but it must not be an internal error.
        try:
            cli.run("login", "--service-principal", "-u", CERT_ROBOT, "--certificate", pem, "--tenant", TENANT, *more)
        except CommandRefused as refusal:
            assert "AADSTS" in refusal.text
            return
    else:
        cli.run("login", "--service-principal", "-u", CERT_ROBOT, "--certificate", pem, "--tenant", TENANT)
    assert signed_in_name(cli) == CERT_ROBOT


@pytest.mark.browser
def test_browser_with_a_form_posted_to_the_loopback_listener(world, fresh_az, page, tmp_path):
    cli = fresh_az()
    process = cli.start("login", **url_of_browser(tmp_path))
    try:
        page.goto(wait_for_address(tmp_path))
        sign_in_as(page, world, "alice")
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0, err
    assert signed_in_name(cli) == "alice@contoso.example"


def wait_for_address(folder):
    deadline = time.monotonic() + 30
    while not (folder / "address").exists():
        assert time.monotonic() < deadline, "az opened no browser"
        time.sleep(0.05)
    return (folder / "address").read_text()


@pytest.mark.browser
def test_device_code_entered_on_its_page(world, fresh_az, page):
    cli = fresh_az()
    process = cli.start("login", "--use-device-code")
    try:
        message = ""
        while "code" not in message:
            line = process.stderr.readline()
            assert line, "az ended without a code"
            message += line
        address = re.search(r"https://\S+", message).group(0)
        code = re.search(r"code ([A-Z0-9-]{6,})", message).group(1)
        page.goto(address)
        enter_code(page, code)
        sign_in_as(page, world, "alice")
        press(page, "confirm")
        process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0
    assert signed_in_name(cli) == "alice@contoso.example"


def test_a_wrong_password_is_refused_without_saying_which_half_was_wrong(world, fresh_az):
    texts = []
    for upn in (world.upn("dave"), "nobody@contoso.example"):
        with pytest.raises(CommandRefused) as refusal:
            fresh_az().run("login", "-u", upn, "-p", "not the password")
        texts.append(re.sub(r"[0-9a-f-]{36}|\d{4}-\d\d-\d\d[ T][\d:.]+Z?", "…", refusal.value.text).replace(upn, "UPN"))
    assert "AADSTS50126" in texts[0]
    assert texts[0] == texts[1]


def test_a_wrong_secret_is_refused(fresh_az):
    with pytest.raises(CommandRefused, match="AADSTS7000215"):
        fresh_az().run("login", "--service-principal", "-u", CI_ROBOT, "-p", "not-the-secret", "--tenant", TENANT)


def test_somebody_else_s_certificate_is_refused(fresh_az, tmp_path):
    import subprocess

    pem = tmp_path / "stranger.pem"
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=cert-robot", "-days", "1"]
    subprocess.run([*request, "-keyout", tmp_path / "k", "-out", tmp_path / "c"], check=True, capture_output=True)
    pem.write_text((tmp_path / "k").read_text() + (tmp_path / "c").read_text())
    with pytest.raises(CommandRefused, match="AADSTS"):
        fresh_az().run("login", "--service-principal", "-u", CERT_ROBOT, "--certificate", str(pem), "--tenant", TENANT)


def test_a_foreign_tenant_is_refused(world, fresh_az):
    with pytest.raises(CommandRefused):
        fresh_az().run("login", "-u", world.upn("alice"), "-p", world.password("alice"), "--tenant", "fabrikam.example")


def test_a_temporary_password_has_to_be_changed_in_a_browser_first(world, fresh_az):
    with pytest.raises(CommandRefused, match="AADSTS50055"):
        fresh_az().run("login", "-u", world.upn("tina"), "-p", world.password("tina"))


def test_a_person_who_may_see_nothing_has_no_subscription(world, fresh_az):
    with pytest.raises(CommandRefused, match="No subscriptions"):
        fresh_az().run("login", "-u", world.upn("olga"), "-p", world.password("olga"))


def test_tokens_come_from_the_cache_and_are_for_the_resource_asked_for(world, az, endpoint):
    from sign_in import payload

    token = az("alice").run("account", "get-access-token")["accessToken"]
    assert payload(token)["aud"].rstrip("/") == endpoint.arm_scope.removesuffix("/.default").rstrip("/")
    assert payload(token)["aud"].startswith(world.url)
    assert payload(token)["tid"] == TENANT


def test_a_machine_s_own_identity(world, fresh_az, tmp_path):
    """`az login --identity`, with the machine's metadata service made reachable for the CLI."""
    import socket
    import threading

    machine = world.machine("myVM")
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=relay_into, args=(listener, machine), daemon=True).start()
    cli = fresh_az()
    cli.environment["AZURE_POD_IDENTITY_AUTHORITY_HOST"] = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        cli.run("login", "--identity", "--allow-no-subscriptions")
        assert cli.run("account", "show")["user"]["assignedIdentityInfo"] == "MSI"
    finally:
        listener.close()


def relay_into(listener, machine):
    import subprocess

    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            line = machine.inside(["bash", "-c", "exec 3<>/dev/tcp/169.254.169.254/80; cat <&3 & cat >&3; wait"])
            subprocess.Popen(line, stdin=connection.fileno(), stdout=connection.fileno())


@pytest.mark.parametrize(
    "header, status",
    [("", "400"), ("-H 'Metadata: true' -H 'X-Forwarded-For: 10.0.0.9'", "400"), ("-H 'Metadata: true'", "200")],
    ids=["no header", "forwarded", "right"],
)
def test_the_metadata_service_answers_local_programs_only(world, header, status):
    machine = world.machine("myVM")
    url = f"http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource={world.url}/"
    assert machine.run(f"curl -s -o /dev/null -w '%{{http_code}}' {header} '{url}'") == status
