"""Machines outside the cloud (Azure Arc), identities that machines share, and moving from the preview's extension."""

import json
import uuid

import pytest

from azure_cli import CommandRefused
from lab import programs, shell
from lab import world as lab_world
from lab.machine import Machine
from lab.world import SUBSCRIPTION, TENANT
from people import SSH_OPTIONS
from sign_in import payload, principals

GROUP = "arc"
NAME = "outside"
ADDRESS = "10.77.0.51"
#: What holds on a machine that joined, although nobody can sign in to it yet.
CONNECTED = "sally-agent status | grep -q '(connected)'"
EXTENSION = ["--publisher", "Microsoft.Azure.ActiveDirectory", "--name", "AADSSHLoginForLinux"]
ADMINISTRATOR, USER = "1c0163c0-47e6-4577-8991-ea5c82e286e4", "fb879df8-f326-4884-b1cf-06f3ad86be52"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
SUBNET = "Microsoft.Network/virtualNetworks/demo-vnet/subnets/machines"


@pytest.fixture(scope="module")
def path(world):
    """The resource path of the machine outside."""
    return f"{world.group(GROUP)}/providers/Microsoft.HybridCompute/machines/{NAME}"


@pytest.fixture(scope="module")
def described(world, az, admin, path):
    """The machine as `az connectedmachine` describes it, before anything has joined."""
    kind = ["--resource-type", "Microsoft.HybridCompute/machines", "--api-version", "2024-07-10", "--is-full-object"]
    body = {"location": "local", "identity": {"type": "SystemAssigned"}, "properties": {"osType": "linux"}}
    return az("admin").run("resource", "create", "-g", GROUP, "-n", NAME, *kind, "-p", json.dumps(body))


@pytest.fixture(scope="module")
def joined(world, described, path, person, admin):
    """The same once an agent has joined, with people who may sign in to it."""
    machine = Machine(lab_world.LAB, NAME, world.network, ADDRESS, None, dies_with_parent=True).start()
    world.machines[NAME] = machine
    machine.name_host(lab_world.HOST_NAME, "10.77.0.1")
    machine.start_sshd()
    programs.enrol(machine, world.server, path, world.url, CONNECTED)
    for name, role in (("alice", ADMINISTRATOR), ("bob", USER)):
        allow(admin, world.group(GROUP), role, person(name).object_id, "User")
    yield machine
    world.gone[NAME] = world.machines.pop(NAME)


def allow(admin, scope, role, who, kind):
    """Gives somebody a role."""
    definition = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{role}"
    properties = {"roleDefinitionId": definition, "principalId": who, "principalType": kind}
    admin.authorization.role_assignments.create(scope, str(uuid.uuid4()), {"properties": properties})


def ssh(world, person, command):
    """`az ssh vm --ip` from a computer that has a route to the machine."""
    key = person.certificate()
    line = ["ssh", *SSH_OPTIONS, "-o", "LogLevel=Info", "-i", key.private, "-o", f"CertificateFile={key.certificate}"]
    line += ["-l", principals(key.certificate)[0], ADDRESS, command]
    return shell.run(*world.server_place.inside(line), check=False)


# A machine outside


def test_the_machine_waits_for_its_agent(described, az, world, path):
    shown = az("admin").run("rest", "--method", "get", "--uri", f"{path}?api-version=2022-11-10")
    assert shown["properties"]["status"] == "AwaitingConnection" and shown["identity"]["principalId"]
    assert "join" in shown["properties"]["statusMessage"]


def test_the_machine_is_connected_once_its_agent_joined(joined, az, path):
    shown = az("admin").run("rest", "--method", "get", "--uri", f"{path}?api-version=2022-11-10")["properties"]
    assert shown["status"] == "Connected" and shown["osType"] == "linux" and "Debian" in shown["osName"]
    assert len(shown["agentVersion"].split(".")) == 4 and shown["machineFqdn"]


def test_nobody_signs_in_before_the_extension_is_there(joined, world, person):
    said = ssh(world, person("alice"), "echo got-in")
    assert "got-in" not in said


def test_the_extension_is_installed(joined, az, path):
    body = {
        "location": "local",
        "properties": {"publisher": "Microsoft.Azure.ActiveDirectory", "type": "AADSSHLoginForLinux"},
    }
    uri = f"{path}/extensions/AADSSHLoginForLinux"
    kind = ["--id", uri, "--api-version", "2024-07-10", "--is-full-object"]
    made = az("admin").run("resource", "create", *kind, "-p", json.dumps(body))
    assert made["properties"]["provisioningState"] == "Succeeded" and made["id"].lower() == uri.lower()


def test_people_sign_in_by_the_machine_s_address(joined, world, person):
    assert ssh(world, person("alice"), "id -un; sudo -n id -un").split() == [world.upn("alice"), "root"]
    assert ssh(world, person("bob"), "id -un; sudo -n true 2>&1 || echo no-sudo").split()[0] == world.upn("bob")
    assert "got-in" not in ssh(world, person("dave"), "echo got-in")


def test_the_machine_s_identity_is_behind_a_challenge(joined, path):
    address = "http://localhost:40342/metadata/identity/oauth2/token?api-version=2020-06-01&resource=https://management.azure.com/"
    line = ["curl", "-s", "-i", "-H", "Metadata: true"]
    head = joined.run(*line, address)
    assert " 401 " in head.splitlines()[0]
    file = next(one for one in head.splitlines() if "realm=" in one).strip().split("=")[1]
    proof = ["-H", f"Authorization: Basic {joined.read(file)}"]
    answer = json.loads(joined.run("curl", "-s", "-H", "Metadata: true", *proof, address))
    claims = payload(answer["access_token"])
    assert claims["xms_mirid"].lower() == path.lower() and claims["tid"] == TENANT
    told = joined.run(
        "curl", "-s", "-H", "Metadata: true", "http://localhost:40342/metadata/instance?api-version=2020-06-01"
    )
    assert json.loads(told)["compute"]["name"] == NAME


@pytest.mark.parametrize(
    "method, rest",
    [
        ("post", "endpoints/default/listCredentials?expiresin=3600&api-version=2023-03-15"),
        ("get", "endpoints/default/serviceConfigurations/SSH?api-version=2023-03-15"),
        ("put", "endpoints/default?api-version=2023-03-15"),
    ],
)
def test_az_ssh_arc_is_told_that_there_is_no_relay(joined, az, path, method, rest):
    body = [] if method == "get" else ["--body", json.dumps({"serviceName": "SSH"})]
    uri = f"{path}/providers/Microsoft.HybridConnectivity/{rest}"
    with pytest.raises(CommandRefused, match="az ssh vm --ip"):
        az("admin").run("rest", "--method", method, "--uri", uri, *body)


def test_a_machine_outside_shares_no_identity(joined, az, person, path):
    identity = {"type": "UserAssigned", "userAssignedIdentities": {f"{path}-x": {}}}
    answer = person("admin").arm.send("PATCH", path, "2024-07-10", {"identity": identity})
    assert answer.status_code in (400, 404, 409), answer.text


def test_the_extension_and_the_machine_go(joined, az, world, person, path):
    az("admin").run(
        "resource", "delete", "--ids", f"{path}/extensions/AADSSHLoginForLinux", "--api-version", "2024-07-10"
    )
    assert "got-in" not in ssh(world, person("alice"), "echo got-in")
    az("admin").run("resource", "delete", "--ids", path, "--api-version", "2024-07-10")
    left = az("admin").run("resource", "list", "-g", GROUP, "--query", "[].name")
    assert NAME not in left


# Identities that machines share


@pytest.fixture
def shared(world, az):
    """An identity made by az, assigned to myVM while the test runs."""
    cli = az("admin")
    made = cli.run("identity", "create", "-g", "demo", "-n", "shared")
    world.machine("myVM")
    cli.run("vm", "identity", "assign", "-g", "demo", "-n", "myVM", "--identities", "shared")
    yield made
    cli.run("vm", "identity", "remove", "-g", "demo", "-n", "myVM", "--identities", "shared")
    cli.run("identity", "delete", "-g", "demo", "-n", "shared")


def test_a_machine_gets_tokens_of_an_identity_that_it_shares(shared, world, az):
    machine = world.machine("myVM")
    shown = az("admin").run("vm", "identity", "show", "-g", "demo", "-n", "myVM")
    assert shown["type"] == "SystemAssigned, UserAssigned" and shown["principalId"]
    base = "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https://management.azure.com/"
    for query in (
        f"client_id={shared['clientId']}",
        f"object_id={shared['principalId']}",
        f"msi_res_id={shared['id']}",
    ):
        line = ["curl", "-s", "-H", "Metadata: true", f"{base}&{query}"]
        answer = json.loads(machine.run(*line))
        assert "access_token" in answer, answer
        claims = payload(answer["access_token"])
        assert answer["client_id"] == shared["clientId"] and claims["oid"] == shared["principalId"], query
        assert claims["xms_mirid"].lower() == shared["id"].lower()


def test_people_still_sign_in_after_an_identity_was_shared(shared, world, person):
    done = person("alice").ssh("myVM", "id -un")
    assert done.stdout.strip() == world.upn("alice"), done.stderr


# Moving from the preview, and what the extension's exit codes say


@pytest.fixture(scope="module")
def bare(world, az, admin):
    """A machine with an agent, an identity, and the preview's extension."""
    made = Machine(lab_world.LAB, "previewvm", world.network, "10.77.0.52", None, dies_with_parent=True).start()
    world.machines["previewVM"] = made
    made.name_host(lab_world.HOST_NAME, "10.77.0.1")
    made.start_sshd()
    nic = {
        "location": "local",
        "properties": {
            "ipConfigurations": [
                {
                    "name": "one",
                    "properties": {
                        "privateIPAllocationMethod": "Static", "privateIPAddress": "10.77.0.52",
                        "subnet": {"id": f"{world.group()}/providers/{SUBNET}"},
                    },
                }
            ]
        },
    }  # fmt: skip
    interface = admin.network.network_interfaces.begin_create_or_update(GROUP, "preview-nic", nic).result(60)
    machine_body = {
        "location": "local", "identity": {"type": "SystemAssigned"},
        "properties": {
            "storageProfile": {"osDisk": {"osType": "Linux", "createOption": "Attach"}},
            "networkProfile": {"networkInterfaces": [{"id": interface.id}]},
        },
    }  # fmt: skip
    machines = admin.compute.virtual_machines
    read = machines.begin_create_or_update(GROUP, "previewVM", machine_body).result(60)
    programs.enrol(made, world.server, read.id, world.url, CONNECTED)
    where = ["-g", GROUP, "--vm-name", "previewVM"]
    preview = ["--publisher", "Microsoft.Azure.ActiveDirectory.LinuxSSH", "--name", "AADLoginForLinux"]
    az("admin").run("vm", "extension", "set", *where, *preview, "--version", "1.0")
    yield where
    world.gone["previewVM"] = world.machines.pop("previewVM")


def test_the_preview_s_extension_stands_in_the_way_with_exit_code_23(bare, az):
    with pytest.raises(CommandRefused, match="(?s)exit code: 23.*az vm extension delete -n AADLoginForLinux"):
        az("admin").run("vm", "extension", "set", *bare, *EXTENSION)


def test_without_an_identity_there_is_exit_code_22(bare, az):
    where = ["-g", GROUP, "-n", "previewVM"]
    az("admin").run("vm", "identity", "remove", *where)
    az("admin").run("vm", "extension", "delete", *bare, "-n", "AADLoginForLinux")
    with pytest.raises(CommandRefused, match="(?s)exit code: 22.*az vm identity assign"):
        az("admin").run("vm", "extension", "set", *bare, *EXTENSION, "--force-update")
    az("admin").run("vm", "identity", "assign", *where)


def test_after_the_steps_of_the_article_the_extension_is_there(bare, az):
    az("admin").run("vm", "extension", "set", *bare, *EXTENSION, "--force-update")
    listed = az("admin").run("vm", "extension", "list", *bare, "--query", "[].[name, provisioningState]")
    assert listed == [["AADSSHLoginForLinux", "Succeeded"]]


def test_an_unsupported_system_has_exit_code_51(bare, az):
    windows = ["--publisher", "Microsoft.Azure.ActiveDirectory", "--name", "AADLoginForWindows"]
    with pytest.raises(CommandRefused, match="exit code: 51"):
        az("admin").run("vm", "extension", "set", *bare, *windows)
