"""Scale sets with the real Azure CLI: made, extended, brought to the latest model, signed in to, scaled, gone."""

import json
import subprocess
import uuid

import pytest

from azure_cli import CommandRefused
from lab.world import SUBSCRIPTION
from sdk_fixtures import assert_nothing_lost

GROUP = "scale-sets"
SET = "fleet"
ON = ["-g", GROUP, "-n", SET]
EXTENSION = ["--publisher", "Microsoft.Azure.ActiveDirectory", "--name", "AADSSHLoginForLinux"]
DEFINITIONS = "/providers/Microsoft.Authorization/roleDefinitions"
ROLES = {
    "alice": ("1c0163c0-47e6-4577-8991-ea5c82e286e4", "acdd72a7-3385-48ef-bd42-f606fba81ae7"),
    "bob": ("fb879df8-f326-4884-b1cf-06f3ad86be52", "acdd72a7-3385-48ef-bd42-f606fba81ae7"),
}


@pytest.fixture(scope="module")
def fleet(world, az, admin, person):
    """A scale set of two, made as the article says, in a network with a bastion host."""
    made = az("admin").run(
        "vmss", "create", *ON, "--orchestration-mode", "Uniform", "--image", "Ubuntu2204", "--instance-count", "2",
        "--assign-identity", "--admin-username", "azureuser", "--generate-ssh-keys", timeout=170,
    )  # fmt: skip
    arm = person("admin").arm
    network = f"{world.group(GROUP)}/providers/Microsoft.Network/virtualNetworks/{SET}VNET"
    subnet = f"{network}/subnets/AzureBastionSubnet"
    answer = arm.send("PUT", subnet, "2024-01-01", {"properties": {"addressPrefix": "10.0.200.0/26"}})
    assert answer.status_code in (200, 201), answer.text
    configuration = {"name": "one", "properties": {"subnet": {"id": subnet}}}
    properties = {
        "enableTunneling": True, "enableIpConnect": True, "enablePrivateOnlyBastion": True,
        "ipConfigurations": [configuration],
    }  # fmt: skip
    body = {"location": "local", "sku": {"name": "Premium"}, "properties": properties}
    answer = arm.send("PUT", world.bastion("fleetBastion", GROUP), "2024-01-01", body)
    assert answer.status_code in (200, 201), answer.text
    for name, roles in ROLES.items():
        for role in roles:
            admin.authorization.role_assignments.create(
                world.group(GROUP), str(uuid.uuid4()),
                {
                    "properties": {
                        "roleDefinitionId": f"/subscriptions/{SUBSCRIPTION}{DEFINITIONS}/{role}",
                        "principalId": person(name).object_id, "principalType": "User",
                    }
                },
            )  # fmt: skip
    return made["vmss"]


def instances(az, query):
    """What `az vmss list-instances` says."""
    return az("admin").run("vmss", "list-instances", *ON, "--expand", "instanceView", "--query", query)


def instance(world, number):
    """The resource path of one machine of the set."""
    return f"{world.group(GROUP)}/providers/Microsoft.Compute/virtualMachineScaleSets/{SET}/virtualMachines/{number}"


def ssh(person, target, command):
    """Runs a command on a machine of the set by way of the bastion host."""
    with person.bastion("fleetBastion", GROUP).tunnel(target) as tunnel:
        line = person.ssh_line(tunnel.port, command, options=["-o", "LogLevel=Info"])
        done = subprocess.run(line, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)
        if tunnel.errors:
            raise tunnel.errors[0]
        return done


# Made


def test_the_command_prints_the_set_with_its_identity(fleet):
    assert fleet["orchestrationMode"] == "Uniform" and fleet["provisioningState"] == "Succeeded"
    assert fleet["identity"]["systemAssignedIdentity"]


def test_the_set_is_shown_and_listed_and_nothing_of_it_is_lost(fleet, az, admin):
    shown = az("admin").run("vmss", "show", *ON)
    assert shown["sku"]["capacity"] == 2 and shown["identity"]["type"] == "SystemAssigned"
    assert SET in az("admin").run("vmss", "list", "-g", GROUP, "--query", "[].name")
    assert_nothing_lost(admin, admin.compute.virtual_machine_scale_sets.get(GROUP, SET))


def test_its_machines_run(fleet, az):
    assert instances(az, "[].[name, instanceId, latestModelApplied, provisioningState]") == [
        [f"{SET}_0", "0", True, "Succeeded"], [f"{SET}_1", "1", True, "Succeeded"],
    ]  # fmt: skip
    codes = instances(az, "[].instanceView.statuses[].code")
    assert codes.count("PowerState/running") == 2
    view = az("admin").run("vmss", "get-instance-view", *ON)
    summary = {one["code"]: one["count"] for one in view["virtualMachine"]["statusesSummary"]}
    assert summary["PowerState/running"] == 2
    one = az("admin").run("vmss", "get-instance-view", *ON, "--instance-id", "0")
    assert one["vmAgent"]["statuses"][0]["displayStatus"] == "Ready"


def test_a_machine_s_document_loses_nothing(fleet, admin):
    assert_nothing_lost(admin, admin.compute.virtual_machine_scale_set_vms.get(GROUP, SET, "0"))


def test_their_private_addresses_are_listed_and_public_ones_there_are_none(fleet, az):
    query = "[].ipConfigurations[0].privateIPAddress"
    listed = az("admin").run("vmss", "nic", "list", "-g", GROUP, "--vmss-name", SET, "--query", query)
    assert len(set(listed)) == 2 and all(address.startswith("10.0.0.") for address in listed)
    assert az("admin").run("vmss", "list-instance-public-ips", *ON) == []


def test_there_is_no_way_in_over_the_load_balancer_and_az_says_so(fleet, az):
    with pytest.raises(CommandRefused, match="There is no connection information"):
        az("admin").run("vmss", "list-instance-connection-info", *ON)
    rules = az("admin").run(
        "network", "lb", "show", "-g", GROUP, "-n", f"{SET}LB", "--query", "inboundNATRules || inboundNatRules"
    )
    assert [rule["frontendPortRangeStart"] for rule in rules] == [50000]


# Sign-in


def test_the_extension_is_set_on_the_model_and_old_machines_say_why_not(fleet, world, az, person):
    az("admin").run("vmss", "extension", "set", *EXTENSION, "-g", GROUP, "--vmss-name", SET, timeout=150)
    assert instances(az, "[].latestModelApplied") == [False, False]
    done = ssh(person("alice"), instance(world, 0), "echo got-in")
    assert "got-in" not in done.stdout and "older model" in done.stderr, done.stderr


def test_machines_are_brought_to_the_latest_model(fleet, az):
    az("admin").run("vmss", "update-instances", *ON, "--instance-ids", "*", timeout=150)
    assert instances(az, "[].latestModelApplied") == [True, True]
    view = az("admin").run("vmss", "get-instance-view", *ON)
    assert view["extensions"][0]["statusesSummary"] == [{"code": "ProvisioningState/succeeded", "count": 2}]


def test_people_sign_in_to_a_machine_by_its_resource_id(fleet, world, person):
    done = ssh(person("alice"), instance(world, 0), "id -un; sudo -n id -un")
    assert done.stdout.split() == [world.upn("alice"), "root"], done.stderr
    done = ssh(person("bob"), instance(world, 1), "id -un; sudo -n true || echo no-sudo")
    assert done.stdout.split() == [world.upn("bob"), "no-sudo"], done.stderr


def test_people_sign_in_to_a_machine_by_its_private_address(fleet, world, az, person):
    address = az("admin").run(
        "vmss", "nic", "list", "-g", GROUP, "--vmss-name", SET, "--query", "[0].ipConfigurations[0].privateIPAddress"
    )
    target = f"{world.group(GROUP)}/providers/Microsoft.Network/bh-hostConnect/{address}"
    alice = person("alice")
    with alice.bastion("fleetBastion", GROUP).tunnel(target, hostname=address) as tunnel:
        line = alice.ssh_line(tunnel.port, "id -un; hostname")
        done = subprocess.run(line, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)
    assert done.stdout.split()[0] == world.upn("alice"), done.stderr


def test_somebody_without_a_role_is_refused(fleet, world, person):
    with pytest.raises((Exception, AssertionError)):
        done = ssh(person("dave"), instance(world, 0), "echo got-in")
        assert "got-in" in done.stdout


# Changed


def test_one_more_machine_comes_with_the_model(fleet, az, world, person):
    az("admin").run("vmss", "scale", *ON, "--new-capacity", "3", timeout=150)
    assert instances(az, "[].[instanceId, latestModelApplied]") == [["0", True], ["1", True], ["2", True]]
    assert ssh(person("alice"), instance(world, 2), "id -un").stdout.strip() == world.upn("alice")


def test_machines_are_deallocated_started_and_restarted(fleet, az):
    def power():
        return [code for code in instances(az, "[].instanceView.statuses[].code") if code.startswith("PowerState/")]

    az("admin").run("vmss", "deallocate", *ON, "--instance-ids", "0", timeout=120)
    assert power() == ["PowerState/deallocated", "PowerState/running", "PowerState/running"]
    az("admin").run("vmss", "deallocate", *ON, timeout=120)
    assert set(power()) == {"PowerState/deallocated"}
    az("admin").run("vmss", "start", *ON, timeout=120)
    az("admin").run("vmss", "restart", *ON, timeout=120)
    assert set(power()) == {"PowerState/running"}


def test_a_machine_is_deleted_and_the_set_is_smaller(fleet, az):
    az("admin").run("vmss", "delete-instances", *ON, "--instance-ids", "1", timeout=120)
    assert instances(az, "[].instanceId") == ["0", "2"]
    assert az("admin").run("vmss", "show", *ON, "--query", "sku.capacity") == 2
    with pytest.raises(CommandRefused, match="not an active Virtual Machine Scale Set VM"):
        az("admin").run("vmss", "start", *ON, "--instance-ids", "7")


def test_a_machine_may_not_be_changed_by_itself(fleet, world, person):
    answer = person("admin").arm.send("PUT", instance(world, 0), body={"location": "local", "properties": {}})
    assert answer.status_code == 409 and "update-instances" in answer.text, answer.text


def test_public_addresses_of_machines_are_refused(fleet, world, person):
    arm = person("admin").arm
    path = instance(world, 0).rsplit("/", 2)[0]
    body = arm.get(path)
    model = body["properties"]["virtualMachineProfile"]["networkProfile"]["networkInterfaceConfigurations"][0]
    model["properties"]["ipConfigurations"][0]["properties"]["publicIPAddressConfiguration"] = {"name": "x"}
    answer = arm.send("PUT", path, body=body)
    assert answer.status_code == 409 and "bastion host" in answer.text, answer.text


# The mode that `az` takes by itself


def test_a_flexible_set_is_made_and_scaled_the_same_way(fleet, az):
    where = ["-g", GROUP, "-n", "flexible"]
    az("admin").run(
        "vmss", "create", *where, "--image", "Debian12", "--instance-count", "1", "--assign-identity",
        "--admin-username", "azureuser", "--generate-ssh-keys", "--lb", "", timeout=170,
    )  # fmt: skip
    shown = az("admin").run("vmss", "show", *where)
    assert shown["orchestrationMode"] == "Flexible" and shown["provisioningState"] == "Succeeded"
    states = az("admin").run("vmss", "list-instances", *where, "--query", "[].provisioningState")
    assert states == ["Succeeded"]
    az("admin").run("vmss", "delete", *where, timeout=120)


def test_a_set_goes_with_its_machines(fleet, az):
    az("admin").run("vmss", "delete", *ON, timeout=150)
    types = az("admin").run("resource", "list", "-g", GROUP, "--query", "[].type")
    assert not [one for one in types if one.startswith("Microsoft.Compute/")], json.dumps(types)
