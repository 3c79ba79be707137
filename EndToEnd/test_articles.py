"""The commands of the articles in their order, from nothing to nothing, with the real Azure CLI."""

import json
import shlex
import subprocess

import pytest

from articles import GROUP, MACHINE, Unexpected, Walk, public_addresses, traces
from lab.world import CI_ROBOT, LAB, SUBSCRIPTION, TENANT

ADMINISTRATOR = "Virtual Machine Administrator Login"
USER = "Virtual Machine User Login"
EXTENSION = "--publisher Microsoft.Azure.ActiveDirectory --name AADSSHLoginForLinux"
NETWORK = f"{MACHINE}VNET"
BASTION = "articleBastion"


@pytest.fixture(scope="module")
def walk(world, az, request):
    """The walk, and its table at the end."""
    with public_addresses(world):
        made = Walk(world, az)
        yield made
        reporter = request.config.pluginmanager.get_plugin("terminalreporter")
        with request.config.pluginmanager.get_plugin("capturemanager").global_and_fixture_disabled():
            reporter.write_line("\n" + made.table())


@pytest.fixture(scope="module")
def before(world, walk):
    """What there was before the walk."""
    return traces(world)


# Enable Microsoft Entra login for a Linux VM


def test_the_version_is_new_enough(walk, before):
    walk.az("admin", "--version", match="azure-cli")


def test_a_group_is_created(walk):
    walk.az("admin", f"group create --name {GROUP} --location local")


def test_a_machine_is_created(world, walk, before):
    line = f"vm create --resource-group {GROUP} --name {MACHINE} --image Ubuntu2204 --assign-identity"
    printed = walk.az("admin", f"{line} --admin-username azureuser --generate-ssh-keys", timeout=240)
    shown = json.loads(printed[printed.index("{") :])
    assert shown["powerState"] == "VM running" and shown["publicIpAddress"] and shown["privateIpAddress"]
    assert shown["identity"]["systemAssignedIdentity"]
    made = traces(world)
    assert all(len(made[kind]) > len(before[kind]) for kind in ("namespaces", "files", "processes", "tables")), made


def test_an_image_that_was_substituted_is_said_to_be(walk):
    view = walk.az("admin", f"vm get-instance-view -g {GROUP} -n {MACHINE}")
    assert "Ubuntu2204" in view or "jammy" in view, view


def test_the_extension_is_installed(walk):
    walk.az("admin", f"vm extension set {EXTENSION} --resource-group {GROUP} --vm-name {MACHINE}", timeout=240)
    listed = walk.az("admin", f"vm extension list -g {GROUP} --vm-name {MACHINE} --query [].provisioningState -o tsv")
    assert listed == "Succeeded"


# Configure role assignments for the VM


def test_roles_are_assigned_as_the_article_prints_it(walk, person):
    username = walk.az("admin", "account show --query user.name --output tsv")
    assert username == "admin@contoso.example"
    scope = walk.az("admin", f"group show --resource-group {GROUP} --query id -o tsv")
    walk.az("admin", f'role assignment create --role "{ADMINISTRATOR}" --assignee {username} --scope {scope}')
    for name, role in (("alice", ADMINISTRATOR), ("bob", USER)):
        who = walk.az("admin", f"ad user list --upn {name}@contoso.example --query [0].id -o tsv")
        walk.az("admin", f'role assignment create --role "{role}" --assignee-object-id {who} --scope {scope}')
        walk.az("admin", f"role assignment create --role Reader --assignee-object-id {who} --scope {scope}")


def test_roles_are_assigned_to_a_service_principal(walk):
    robot = walk.az("admin", f"ad sp show --id {CI_ROBOT} --query id -o tsv")
    scope = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}"
    whom = f"--assignee-object-id {robot} --assignee-principal-type ServicePrincipal"
    for role in (ADMINISTRATOR, "Reader"):
        walk.az("admin", f'role assignment create --role "{role}" {whom} --scope "{scope}"')


# Install the SSH extension


def test_the_ssh_extension_is_looked_for_in_the_server_s_own_index(world, walk):
    """No wheel was dropped there, and that is what az says."""
    walk.az("admin", f"config set extension.index_url={world.url}/extensions/index.json --only-show-errors")
    walk.az("admin", "extension add --name ssh", expect=1, match="No extension found with name 'ssh'")
    walk.az("admin", "extension show --name ssh", expect=1, match="ssh")


# Log in


def test_people_and_a_service_principal_log_in(world, walk, fresh_az):
    clis = {}
    for name in ("alice", "bob"):
        clis[name] = fresh_az()
    clis["ci-robot"] = fresh_az()
    known, walk.cli = walk.cli, clis.__getitem__
    try:
        for name in ("alice", "bob"):
            walk.az(name, f"login -u {world.upn(name)} -p {world.password(name)}")
            walk.rows[-1].line = f"az login -u {world.upn(name)} -p …"
        secret = shlex.quote(world.secrets["SALLYPORT_SP_SECRET"])
        walk.az("ci-robot", f"login --service-principal -u {CI_ROBOT} -p={secret} --tenant {TENANT}")
        walk.rows[-1].line = f"az login --service-principal -u {CI_ROBOT} -p … --tenant {TENANT}"
    finally:
        walk.cli = known


def test_an_administrator_signs_in_and_is_root_with_sudo(walk, person):
    printed = walk.ssh_vm(person("alice"), "id -un; sudo -n id -un")
    assert printed.splitlines() == ["alice@contoso.example", "root"]


def test_a_user_signs_in_and_is_not(walk, person):
    assert walk.ssh_vm(person("bob"), "id -un") == "bob@contoso.example"
    assert "password is required" in walk.ssh_vm(person("bob"), "sudo -n id", expect=1)


def test_a_service_principal_signs_in(walk, person):
    assert walk.ssh_vm(person("ci-robot"), "sudo -n id -un") == "root"


def test_somebody_without_a_role_is_told_so(walk, person):
    # A reader of another group: cannot even find the machine here.
    with pytest.raises((Unexpected, AssertionError)):
        walk.ssh_vm(person("dave"), "id")


def test_the_machine_knows_itself(walk, person):
    alice, curl = person("alice"), "curl -s -H Metadata:true"
    base = "http://169.254.169.254/metadata"
    instance = walk.ssh_vm(alice, f"{curl} '{base}/instance?api-version=2017-08-01'")
    assert json.loads(instance)["compute"]["name"] == MACHINE
    info = walk.ssh_vm(alice, f"{curl} '{base}/identity/info?api-version=2018-02-01'")
    assert json.loads(info)["tenantId"] == TENANT


# The bastion


def test_a_bastion_is_refused_without_its_subnet(world, walk):
    missing = f"{world.group(GROUP)}/providers/Microsoft.Network/virtualNetworks/nowhere/subnets/AzureBastionSubnet"
    _put_bastion(world, walk, missing, "nothing", expect=1)


def test_a_bastion_is_created(world, walk):
    subnet = f"--vnet-name {NETWORK} --name AzureBastionSubnet --address-prefixes 10.0.1.0/26"
    walk.az("admin", f"network vnet subnet create -g {GROUP} {subnet}")
    # The fabric followed: a network that machines are on gets another bridge.
    assert "an order failed" not in world.fabric.log.read_text()
    walk.az("admin", f"network public-ip create -g {GROUP} -n articleBastionIP --sku Standard --location local")
    network = f"{world.group(GROUP)}/providers/Microsoft.Network"
    _put_bastion(world, walk, f"{network}/virtualNetworks/{NETWORK}/subnets/AzureBastionSubnet",
                 f"{network}/publicIPAddresses/articleBastionIP")  # fmt: skip


def test_a_bastion_is_shown_and_updated_as_a_whole(world, walk):
    """`az network bastion show`, and `update`, which sends back what it got."""
    url = shlex.quote(f"{world.url}{world.bastion(BASTION, GROUP)}?api-version=2024-01-01")
    shown = json.loads(walk.az("admin", f"rest --method get --url {url}", note="az network bastion show"))
    properties = shown["properties"]
    assert shown["sku"]["name"] == "Standard" and properties["dnsName"] and properties["enableTunneling"] is True
    assert properties["enableIpConnect"] is True and properties["provisioningState"] == "Succeeded"
    properties["scaleUnits"] = 3
    line = f"rest --method put --url {url} --body {shlex.quote(json.dumps(shown))}"
    after = json.loads(walk.az("admin", line, note="az network bastion update"))
    walk.rows[-1].line = f"az network bastion update -n {BASTION} -g {GROUP} --set scaleUnits=3"
    assert after["properties"]["scaleUnits"] == 3 and after["properties"]["dnsName"] == properties["dnsName"]


def _put_bastion(world, walk, subnet, address, expect=0):
    """`az network bastion create`, with its body: the command is the extension's."""
    configuration = {
        "name": "bastion_ip_config",
        "properties": {"subnet": {"id": subnet}, "publicIPAddress": {"id": address}},
    }
    body = {
        "location": "local", "sku": {"name": "Standard"}, "tags": {},
        "properties": {
            "disableCopyPaste": False, "enableFileCopy": False, "enableIpConnect": True, "enableKerberos": False,
            "enableSessionRecording": False, "enableShareableLink": False, "enableTunneling": True, "scaleUnits": 2,
            "ipConfigurations": [configuration],
        },
    }  # fmt: skip
    url = f"{world.url}{world.bastion(BASTION, GROUP)}?api-version=2024-01-01"
    line = f"rest --method put --url {shlex.quote(url)} --body {shlex.quote(json.dumps(body))}"
    walk.az("admin", line, expect=expect, note="az network bastion create")
    walk.rows[-1].line = f"az network bastion create -n {BASTION} -g {GROUP} --enable-tunneling …"


def test_two_people_and_a_service_principal_go_through_the_bastion(walk, person):
    for name, shown in (("alice", "alice@contoso.example"), ("bob", "bob@contoso.example"), ("ci-robot", None)):
        printed = walk.bastion_ssh(person(name), BASTION, "id -un")
        assert printed == (shown or printed) and printed


# Virtual machine scale sets


def test_a_scale_set_with_an_identity_and_the_extension(walk):
    line = f"vmss create -g {GROUP} -n myVMSS --image Debian12 --admin-username azureuser --generate-ssh-keys"
    walk.az(
        "admin", f"{line} --instance-count 1 --orchestration-mode Uniform --upgrade-policy-mode Manual", timeout=240
    )
    walk.az("admin", f"vmss identity assign --name myVMSS --resource-group {GROUP}")
    walk.az("admin", f"vmss extension set {EXTENSION} --resource-group {GROUP} --vmss-name myVMSS", timeout=240)
    walk.az("admin", f"vmss update-instances -g {GROUP} -n myVMSS --instance-ids *", timeout=240)
    assert walk.az("admin", f"vmss list-instances -g {GROUP} -n myVMSS --query [].latestModelApplied -o tsv") == "true"
    walk.az("admin", f"vmss delete -g {GROUP} -n myVMSS", timeout=240)


# Migrate from the preview version


def test_the_preview_s_extension_is_replaced(walk):
    walk.az("admin", f"vm extension delete -g {GROUP} --vm-name {MACHINE} -n AADLoginForLinux")
    walk.az("admin", f"vm identity assign -g {GROUP} -n {MACHINE}")
    walk.az("admin", f"vm extension set {EXTENSION} --resource-group {GROUP} --vm-name {MACHINE}", timeout=240)


def test_the_extension_without_an_identity_ends_with_exit_code_22(walk):
    walk.az("admin", f"vm identity remove -g {GROUP} -n {MACHINE}")
    walk.az(
        "admin", f"vm extension set {EXTENSION} -g {GROUP} --vm-name {MACHINE} --force-update", expect=1, match="22"
    )


# Sign in to a Windows virtual machine: there are no such machines here, and each command says so


def test_a_windows_machine_is_refused_in_so_many_words(walk):
    line = f"vm create --resource-group {GROUP} --name winVM --image Win2019Datacenter --assign-identity"
    line += " --admin-username azureuser --admin-password Xa1-yourpassword"
    walk.az("admin", line, expect=1, match="Windows")


def test_the_windows_extension_on_a_linux_machine_is_refused(walk, world):
    line = "vm extension set --publisher Microsoft.Azure.ActiveDirectory --name AADLoginForWindows"
    walk.az("admin", f"{line} --resource-group demo --vm-name myVM", expect=1, match="Windows", timeout=120)
    walk.az("admin", "vm extension delete --name AADLoginForWindows --resource-group demo --vm-name myVM")


# And back to nothing


def test_everything_is_deleted(walk):
    walk.az("admin", f"group delete --name {GROUP} --yes", timeout=300)
    assert walk.az("admin", f"group exists --name {GROUP}") == "false"


def test_nothing_is_left(world, walk, before):
    rows = json.loads(walk.az("admin", "resource list -o json"))
    assert [row["id"] for row in rows if f"/{GROUP.lower()}/" in row["id"].lower()] == []
    assigned = json.loads(walk.az("admin", "role assignment list --all -o json"))
    assert [one["scope"] for one in assigned if GROUP.lower() in one["scope"].lower()] == []
    assert traces(world) == before


def test_the_lab_itself_still_stands(world, person):
    world.machine("myVM")
    done = person("alice").ssh("myVM", "id", "-un")
    assert done.stdout.strip() == "alice@contoso.example", (LAB, done.stderr)
    assert subprocess.run(["true"], check=True).returncode == 0
