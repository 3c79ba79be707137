"""The metadata service on a machine, asked by curl, azure-identity and az: what it tells, and whom nothing."""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lab import programs
from lab.world import SUBSCRIPTION, TENANT
from sign_in import payload

BASE = "http://169.254.169.254/metadata"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
TOKEN = f"{BASE}/identity/oauth2/token?api-version=2018-02-01"


@pytest.fixture(scope="module")
def machine(world, person):
    """myVM, whose identity may read its own resource group."""
    made = world.machine("myVM")
    identity = person("admin").arm.get(world.path("myVM"))["identity"]["principalId"]
    role = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{READER}"
    body = {"properties": {"roleDefinitionId": role, "principalId": identity, "principalType": "ServicePrincipal"}}
    path = f"{world.group()}/providers/Microsoft.Authorization/roleAssignments/5a11b0a7-7e57-4c0a-8d0e-3f6d0c0a0066"
    answer = person("admin").arm.send("PUT", path, "2022-04-01", body)
    assert answer.status_code in (200, 201), answer.text
    yield made
    person("admin").arm.send("DELETE", path, "2022-04-01")


def ask(machine, address, *options, header="Metadata: true"):
    """One request from inside the machine: status and body."""
    line = ["curl", "--silent", "--show-error", "--max-time", "20", "--retry", "5", "--write-out", "\n%{http_code}"]
    line += ["--header", header] if header else []
    text = machine.run(*line, *options, address)
    body, _, status = text.rpartition("\n")
    return int(status), body


def ask_json(machine, address, *options):
    status, body = ask(machine, address, *options)
    assert status == 200, (status, body)
    return json.loads(body)


# Who may ask


@pytest.mark.parametrize("header", ["", "Metadata: false", "Metadata: 1"])
def test_without_its_header_nothing_is_told(machine, header):
    status, body = ask(machine, f"{TOKEN}&resource=x", header=header)
    assert status == 400
    assert json.loads(body) == {
        "error": "invalid_request", "error_description": "Required metadata header not specified",
    }  # fmt: skip
    status, body = ask(machine, f"{BASE}/instance?api-version=2021-02-01", header=header)
    assert status == 400 and "Required metadata header not specified" in body


def test_a_request_that_came_through_a_proxy_is_refused(machine):
    for address in (f"{TOKEN}&resource=x", f"{BASE}/instance?api-version=2021-02-01", f"{BASE}/versions"):
        status, _ = ask(machine, address, "--header", "X-Forwarded-For: 10.0.0.1")
        assert status == 400


def test_a_neighbour_on_the_network_gets_no_answer(world, machine):
    from lab import shell

    place = world.server_place.name
    shell.run("ip", "-n", place, "route", "add", "169.254.169.254/32", "via", machine.address)
    try:
        inside = world.server_place.inside(["curl", "-s", "-m", "3", "-H", "Metadata: true", f"{BASE}/versions"])
        with pytest.raises(shell.CommandFailed):
            shell.run(*inside)
    finally:
        shell.run("ip", "-n", place, "route", "del", "169.254.169.254/32")


# What it tells


def test_versions_are_listed_and_one_must_be_named(machine):
    assert "2021-02-01" in ask_json(machine, f"{BASE}/versions")["apiVersions"]
    status, body = ask(machine, f"{BASE}/instance")
    assert status == 400 and len(json.loads(body)["newest-versions"]) == 3
    assert ask(machine, f"{BASE}/instance?api-version=1999-01-01")[0] == 400


@pytest.mark.parametrize(
    "path, options, status",
    [
        ("/instance/compute/nothing?api-version=2021-02-01", [], 404),
        ("/instance/network/interface/7?api-version=2021-02-01", [], 404),
        ("/elsewhere?api-version=2021-02-01", [], 404),
        ("/instance?api-version=2021-02-01&api-version=2021-02-01", [], 400),
        ("/instance?api-version=2021-02-01&format=xml", [], 400),
        ("/instance/compute/name?api-version=2021-02-01", [], 400),
        ("/instance?api-version=2021-02-01", ["--request", "DELETE"], 405),
        ("/versions", ["--data", "x=y"], 405),
    ],
)
def test_a_wrong_request_has_its_status(machine, path, options, status):
    assert ask(machine, BASE + path, *options)[0] == status


def test_the_machine_is_told_what_the_resource_api_tells(world, machine, person):
    arm = person("admin").arm.get(world.path("myVM"))
    told = ask_json(machine, f"{BASE}/instance?api-version=2021-02-01")
    compute, interface = told["compute"], told["network"]["interface"][0]
    assert compute["name"] == "myVM" and compute["resourceGroupName"] == "demo"
    assert compute["resourceId"].lower() == arm["id"].lower() and compute["subscriptionId"] == SUBSCRIPTION
    assert compute["vmId"] == arm["properties"]["vmId"] and compute["location"] == "local"
    assert compute["osProfile"]["adminUsername"] == "azureuser" and compute["customData"] == ""
    address = interface["ipv4"]["ipAddress"][0]
    assert address == {"privateIpAddress": "10.77.0.11", "publicIpAddress": ""}
    assert interface["ipv4"]["subnet"] == [{"address": "10.77.0.0", "prefix": "24"}]
    hardware = machine.run("cat", "/sys/class/net/eth0/address").strip()
    assert interface["macAddress"] == hardware.replace(":", "").upper()


def test_every_leaf_is_a_string_and_can_be_asked_for_alone(machine):
    version = "api-version=2021-02-01"
    leaves, branches = {}, {}

    def walk(node, path):
        if isinstance(node, str):
            leaves[path] = node
        else:
            members = sorted(node) if isinstance(node, dict) else [str(i) for i in range(len(node))]
            children = {name: node[name] if isinstance(node, dict) else node[int(name)] for name in members}
            branches[path] = "\n".join(n if isinstance(c, str) else f"{n}/" for n, c in children.items())
            for name, child in children.items():
                walk(child, f"{path}/{name}")

    walk(ask_json(machine, f"{BASE}/instance?{version}"), "/instance")
    assert len(leaves) > 40
    asked = {**leaves, **branches}
    # One curl for all of them; the service lets only so many through in a second, and curl waits as it is told.
    line = ["curl", "--silent", "--retry", "20", "--header", "Metadata: true", "--write-out", "\x1e"]
    addresses = [f"{BASE}{path}?{version}&format=text" for path in asked]
    answers = machine.run(*line, *addresses, timeout=120).split("\x1e")[:-1]
    assert dict(zip(asked, answers, strict=True)) == asked


def test_older_versions_tell_less(machine):
    old = ask_json(machine, f"{BASE}/instance/compute?api-version=2017-08-01")
    assert old["name"] == "myVM" and "resourceId" not in old and "osProfile" not in old


# The identity


def test_the_tenant(machine):
    assert ask_json(machine, f"{BASE}/identity/info?api-version=2018-02-01") == {"tenantId": TENANT}


def test_a_token_is_all_strings_and_opens_the_resource_api(world, machine, person):
    answer = ask_json(machine, f"{TOKEN}&resource=https://management.azure.com/")
    assert all(isinstance(value, str) for value in answer.values())
    assert answer["token_type"] == "Bearer" and answer["refresh_token"] == ""
    assert answer["resource"] == "https://management.azure.com/" and int(answer["expires_in"]) > 3600
    claims = payload(answer["access_token"])
    identity = person("admin").arm.get(world.path("myVM"))["identity"]
    assert claims["oid"] == identity["principalId"] and claims["tid"] == TENANT
    assert claims["xms_mirid"].lower() == world.path("myVM").lower()
    headers = {"Authorization": f"Bearer {answer['access_token']}"}
    endpoint = person("admin").endpoint
    got = endpoint.http.get(f"{world.url}{world.group()}?api-version=2024-11-01", headers=headers, timeout=10)
    assert got.status_code == 200


def test_a_token_by_form_and_by_its_own_names(world, machine, person):
    identity = person("admin").arm.get(world.path("myVM"))["identity"]
    resource = "resource=https%3A%2F%2Fmanagement.azure.com%2F"
    posted = ask_json(machine, f"{BASE}/identity/oauth2/token", "--data", f"api-version=2018-02-01&{resource}")
    named = ask_json(machine, f"{TOKEN}&{resource}&client_id={posted['client_id']}")
    assert named["client_id"] == posted["client_id"]
    by_object = ask_json(machine, f"{TOKEN}&{resource}&object_id={identity['principalId']}")
    assert by_object["object_id"] == identity["principalId"]


@pytest.mark.parametrize(
    "query, code, text",
    [
        ("", "invalid_request", "resource"),
        ("&resource=https://nobody.example", "invalid_resource", "AADSTS500011"),
        ("&resource=https://management.azure.com/&client_id=11111111-2222-3333-4444-555555555555", "invalid_request",
         "Identity not found"),
        ("&resource=https://management.azure.com/&msi_res_id=/x", "invalid_request", "Identity not found"),
    ],
)  # fmt: skip
def test_a_token_that_cannot_be_had_has_its_error(machine, query, code, text):
    status, body = ask(machine, TOKEN + query)
    assert status == 400
    error = json.loads(body)
    assert error["error"] == code and text in error["error_description"]


def test_an_attested_document_is_checked_with_the_server_s_certificate(world, machine, endpoint, tmp_path):
    answer = ask_json(machine, f"{BASE}/attested/document?api-version=2020-09-01&nonce=1234567890")
    assert answer["encoding"] == "pkcs7"
    (tmp_path / "signed").write_bytes(base64.b64decode(answer["signature"], validate=True))
    certificate = tmp_path / "certificate.pem"
    certificate.write_text(endpoint.http.get(f"{world.url}/hosts/v1/attestation.pem", timeout=10).text)
    check = ["openssl", "smime", "-verify", "-inform", "DER", "-in", tmp_path / "signed", "-CAfile", certificate]
    done = subprocess.run(check, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["nonce"] == "1234567890" and said["subscriptionId"] == SUBSCRIPTION
    assert said["vmId"] == ask(machine, f"{BASE}/instance/compute/vmId?api-version=2021-02-01&format=text")[1]
    assert said["timeStamp"]["expiresOn"].endswith(" -0000")
    assert ask(machine, f"{BASE}/attested/document?api-version=2020-09-01&nonce=%22%7D")[0] == 400


# Libraries and programs on the machine


def on(machine, folder, *line, setup="true", **environment):
    """Runs one of this computer's programs in the machine's network, with the machine's /etc/hosts."""
    hosts = Path(folder) / "hosts"
    hosts.write_text(machine.read("/etc/hosts"))
    script = f'mount --make-rprivate / && mount --bind {hosts} /etc/hosts && {setup} && exec "$@"'
    inside = ["nsenter", "-t", machine.pid, "-n", "-u", "--", "unshare", "-m", "bash", "-c", script, "sh", *line]
    clean = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return subprocess.run(
        list(map(str, inside)), env={**clean, **environment}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip


ASK_FOR_A_TOKEN = """
import json, sys
from azure.identity import ManagedIdentityCredential
token = ManagedIdentityCredential(**json.loads(sys.argv[1])).get_token(sys.argv[2])
print(json.dumps([token.token, token.expires_on]))
"""


def managed_identity(machine, folder, setup="true", options="{}", **environment):
    line = [sys.executable, "-c", ASK_FOR_A_TOKEN, options, "https://management.azure.com/.default"]
    return on(machine, folder, *line, setup=setup, HOME=str(folder), **environment)


def test_azure_identity_finds_the_machine_s_identity(world, machine, tmp_path):
    done = managed_identity(machine, tmp_path)
    assert done.returncode == 0, done.stderr
    token, _ = json.loads(done.stdout)
    assert payload(token)["xms_mirid"].lower() == world.path("myVM").lower()


def test_azure_identity_is_told_of_an_identity_that_is_not_there(machine, tmp_path):
    done = managed_identity(machine, tmp_path, options='{"client_id": "11111111-2222-3333-4444-555555555555"}')
    assert done.returncode != 0 and "CredentialUnavailableError" in done.stderr


def test_az_logs_in_as_the_machine(world, machine, fresh_az, tmp_path):
    cli = fresh_az()
    from azure_cli import PROGRAM

    for line in (["login", "--identity"], ["group", "show", "-n", "demo"]):
        done = on(machine, tmp_path, PROGRAM, *line, **{k: v for k, v in cli.environment.items() if k != "PATH"})
        assert done.returncode == 0, done.stderr
    assert cli.run("account", "show")["user"] == {
        "assignedIdentityInfo": "MSI", "name": "systemAssignedIdentity", "type": "servicePrincipal",
    }  # fmt: skip


# A machine outside the cloud, or in somebody else's


@pytest.fixture
def connected(world, machine):
    """The machine while somebody else has the usual address: its agent serves on loopback, with a challenge."""
    machine.run("sally-agent status")
    machine.end_service("sally-agent")
    machine.wait_for("! sally-agent status", 10)
    machine.serve("cloud", "python3", "-m", "http.server", "--bind", "169.254.169.254", "80")
    machine.wait_for("ss -Hltn 'sport = :80' | grep -q .", 10)
    programs.start_agent(machine)
    yield machine
    machine.end_service("sally-agent")
    machine.wait_for("! sally-agent status", 10)
    machine.end_service("cloud")
    machine.wait_for("! ss -Hltn 'sport = :80' | grep -q .", 10)
    programs.start_agent(machine)
    # Nothing leads shells to where the service was meanwhile.
    assert machine.run("bash", "-lc", "echo $IMDS_ENDPOINT").strip() == ""


def test_the_connected_machine_s_endpoint(world, connected, tmp_path):
    address = "http://localhost:40342/metadata/identity/oauth2/token?api-version=2020-06-01&resource=https://management.azure.com/"
    # Shells know where it is.
    assert connected.run("bash", "-lc", "echo $IMDS_ENDPOINT $IDENTITY_ENDPOINT").split() == [
        "http://localhost:40342", "http://localhost:40342/metadata/identity/oauth2/token",
    ]  # fmt: skip
    # First without a proof, then with what only root and the group may read.
    head = connected.run("curl", "-s", "-D", "-", "-o", "/dev/null", "-H", "Metadata: true", address)
    assert " 401 " in head.splitlines()[0]
    realm = next(line for line in head.splitlines() if line.lower().startswith("www-authenticate:"))
    assert realm.count("=") == 1
    file = realm.strip().split("=")[1]
    assert connected.run("stat", "-c", "%a %U %G", file).split() == ["440", "root", "himds"]
    secret = connected.read(file)
    proof = ["-H", f"Authorization: Basic {secret}"]
    answer = json.loads(connected.run("curl", "-s", "-H", "Metadata: true", *proof, address))
    assert payload(answer["access_token"])["xms_mirid"].lower() == world.path("myVM").lower()
    again = connected.run(
        "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-H", "Metadata: true", *proof, address
    )
    assert again == "401" and not (connected.root / file.lstrip("/")).exists()
    # Nobody else on the machine can read it, and the service listens on loopback alone.
    head = connected.run("curl", "-s", "-D", "-", "-o", "/dev/null", "-H", "Metadata: true", address)
    file = next(line for line in head.splitlines() if "realm=" in line).strip().split("=")[1]
    assert "Permission denied" in connected.run("setpriv", "--reuid=65534", "--clear-groups", "cat", file, check=False)
    assert "127.0.0.1:40342" in connected.run("ss -Hltn sport = :40342")
    # The library does the same dance; it looks for the file where the real agent has it.
    place = f"mount -t tmpfs tmpfs /var/opt && ln -s /proc/{connected.pid}/root/var/opt/azcmagent /var/opt/azcmagent"
    done = managed_identity(
        connected, tmp_path, setup=place, IMDS_ENDPOINT="http://localhost:40342",
        IDENTITY_ENDPOINT="http://localhost:40342/metadata/identity/oauth2/token",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert payload(json.loads(done.stdout)[0])["xms_mirid"].lower() == world.path("myVM").lower()
