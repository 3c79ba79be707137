"""What users of the unmodified Azure CLI do with machines beside making them: accounts, commands, disks, lists."""

import json
import shlex

import pytest

from articles import Walk, public_addresses

GROUP = "scenarios"
MACHINE = "tool"


@pytest.fixture(scope="module")
def walk(world, az):
    with public_addresses(world):
        made = Walk(world, az)
        made.az("admin", f"group create -n {GROUP} -l westus --managed-by somebody --query managedBy", match="somebody")
        yield made
        made.az("admin", f"group delete -n {GROUP} --yes", timeout=300)


@pytest.fixture(scope="module")
def machine(walk):
    """A machine from the address of an image that is in no list, with two data disks."""
    line = f"vm create -g {GROUP} -n {MACHINE} --image Canonical:UbuntuServer:18.04-LTS:latest --nsg-rule NONE"
    printed = walk.az(
        "admin", f"{line} --admin-username toolmaker --generate-ssh-keys --data-disk-sizes-gb 2 5", timeout=240
    )
    return json.loads(printed[printed.index("{") :])


def script(walk, text, who="admin", options=""):
    """What a script wrote, by `az vm run-command invoke`."""
    line = f"vm run-command invoke -g {GROUP} -n {MACHINE} --command-id RunShellScript --scripts {shlex.quote(text)}"
    return walk.az(who, f"{line} {options} --query value[0].message -o tsv", timeout=120)


def shown(walk, line):
    return json.loads(walk.az("admin", line))


def test_a_machine_says_its_hardware_address(walk, machine):
    assert machine["macAddress"].startswith("02-5A-") and machine["privateIpAddress"]
    here = script(walk, "cat /sys/class/net/eth0/address").upper().replace(":", "-")
    assert machine["macAddress"] in here


def test_a_script_runs_as_root_with_its_parameters(walk, machine):
    printed = script(walk, "id -un; echo $1 $word >&2", options="--parameters word=hello")
    assert "Enable succeeded" in printed and "[stdout]\nroot" in printed and "[stderr]\nhello hello" in printed


def test_a_script_that_fails_says_with_what(walk, machine):
    line = f"vm run-command invoke -g {GROUP} -n {MACHINE} --command-id RunShellScript --scripts 'exit 7'"
    answer = shown(walk, line)["value"][0]
    assert answer["code"] == "ProvisioningState/failed/7" and answer["level"] == "Error"


def test_only_the_end_of_a_long_output_comes(walk, machine):
    printed = script(walk, "seq 1 20000")
    assert "20000" in printed and len(printed) < 5000


def test_scripts_need_a_right_of_their_own(walk, machine, world):
    line = "vm run-command invoke -g demo -n myVM --command-id RunShellScript --scripts id"
    walk.az("dave", line, expect=1, match="virtualMachines/runCommand/action")
    assert "machine.runCommand" in world.server.audit()


def test_an_account_is_made_changed_and_removed(walk, machine, folder):
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA/iHSmmi5DCrifDZyp+DWbVMwM4YVzoIJeSJi8R3TBI zoe@laptop"
    user = f"vm user update -g {GROUP} -n {MACHINE} -u zoe"
    assert shown(walk, f"{user} --ssh-key-value '{key}'")["provisioningState"] == "Succeeded"
    assert key in script(walk, "cat ~zoe/.ssh/authorized_keys; sudo -l -U zoe")
    walk.az("admin", f"{user} --password Very-s3cret-words")
    assert "zoe:$" in script(walk, "getent shadow zoe | cut -c1-5")
    walk.az("admin", f"vm user delete -g {GROUP} -n {MACHINE} -u zoe")
    assert "zoe" not in script(walk, "getent passwd; ls /home; ls /etc/sudoers.d")


def test_accounts_of_the_system_are_left_alone(walk, machine):
    walk.az("admin", f"vm user delete -g {GROUP} -n {MACHINE} -u root", expect=1, match="left alone")


def test_sshd_is_put_back_to_what_was_delivered(walk, machine):
    script(walk, "echo 'Banner /etc/passwd' >> /etc/ssh/sshd_config")
    walk.az("admin", f"vm user reset-ssh -g {GROUP} -n {MACHINE}")
    assert "Banner /etc/passwd" not in script(walk, "grep '^Banner' /etc/ssh/sshd_config")


def test_disks_are_attached_and_detached(walk, machine):
    show = f"vm show -g {GROUP} -n {MACHINE} --query storageProfile.dataDisks"
    assert [(disk["lun"], disk["diskSizeGB"]) for disk in shown(walk, show)] == [(0, 2), (1, 5)]
    walk.az(
        "admin",
        f"vm disk attach -g {GROUP} --vm-name {MACHINE} --name own --new --size-gb 3 --lun 7 --sku standard_lrs",
    )
    last = shown(walk, show)[-1]
    assert last["name"] == "own" and last["lun"] == 7
    assert last["managedDisk"]["storageAccountType"] == "Standard_LRS" and last["caching"] == "None"
    disk = shown(walk, f"disk show -g {GROUP} -n own")
    assert disk["managedBy"].endswith(MACHINE) and disk["diskState"] == "Attached"
    walk.az("admin", f"disk delete -g {GROUP} -n own --yes", expect=1, match="own")
    walk.az("admin", f"vm disk detach -g {GROUP} --vm-name {MACHINE} --name own")
    assert shown(walk, f"disk show -g {GROUP} -n own")["diskState"] == "Unattached"
    walk.az("admin", f"disk delete -g {GROUP} -n own --yes")


def test_a_disk_of_one_s_own_grows_and_does_not_shrink(walk):
    walk.az("admin", f"disk create -g {GROUP} -n spare --size-gb 4")
    assert shown(walk, f"disk update -g {GROUP} -n spare --size-gb 8")["diskSizeGB"] == 8
    walk.az("admin", f"disk update -g {GROUP} -n spare --size-gb 2", expect=1, match="smaller")


def test_tags_are_set_by_path_on_a_machine_without_any(walk, machine):
    line = f"vm update -g {GROUP} -n {MACHINE} --set tags.owner=me --query tags"
    assert shown(walk, line) == {"owner": "me"}


def test_a_network_tells_its_free_addresses(walk, machine):
    network = f"-g {GROUP} -n {MACHINE}VNET"
    taken = shown(walk, f"network vnet check-ip-address {network} --ip-address {machine['privateIpAddress']}")
    assert taken["available"] is False and len(taken["availableIPAddresses"]) == 5
    assert len(shown(walk, f"network vnet list-available-ips {network}")) == 5
    usages = shown(walk, "network list-usages -l westus")
    assert {"VirtualNetworks", "NetworkInterfaces"} <= {usage["name"]["value"] for usage in usages}


def test_a_zone_is_chosen_where_the_group_lies(walk):
    line = "vm list-skus -l westus --size Standard_DS1_v2 --zone --query [0].locationInfo[0].zones"
    assert shown(walk, line) == ["1", "2", "3"]
