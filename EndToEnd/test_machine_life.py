"""The life of machines that `az` makes: on and off, ports and identities, crashes around them, twenty at once."""

import json
import signal
import subprocess
import time

import pytest

from articles import Walk, public_addresses, start_with_addresses, traces

GROUP = "lifeGroup"
MACHINE = "lifeVM"
KEYS = "--admin-username azureuser --generate-ssh-keys"
#: So many machines are made by one command.
MANY = 20
#: Prints when the first process of a machine began: another number, another life.
BORN = "cut -d' ' -f22 /proc/1/stat"


@pytest.fixture(scope="module")
def walk(world, az, request):
    """The walk in its own group, and its table at the end."""
    with public_addresses(world):
        made = Walk(world, az)
        before = traces(world)
        made.az("admin", f"group create --name {GROUP} --location local")
        yield made
        made.az("admin", f"group delete --name {GROUP} --yes", timeout=300)
        reporter = request.config.pluginmanager.get_plugin("terminalreporter")
        with request.config.pluginmanager.get_plugin("capturemanager").global_and_fixture_disabled():
            reporter.write_line("\n" + made.table())
        assert traces(world) == before


@pytest.fixture(scope="module")
def address(world, walk):
    """The public address of a machine that `az vm create` made; the table says how long the first shell took."""
    began = time.monotonic()
    printed = walk.az("admin", f"vm create -g {GROUP} -n {MACHINE} --image Debian12 {KEYS}", timeout=240)
    shown = json.loads(printed[printed.index("{") :])
    assert shell_on(walk, shown["publicIpAddress"], "id -un; sudo -n id -un") == "azureuser\nroot"
    walk.step("admin", "from az vm create to the first shell", lambda: 0, f"{time.monotonic() - began:.2f} s")
    return shown["publicIpAddress"]


def shell_on(walk, address, command, tries=1):
    """Runs a command on a machine by the key that `az vm create --generate-ssh-keys` made; returns what it printed."""
    folder = walk.cli("admin").folder / ".ssh"
    line = ["ssh", "-i", folder / "id_rsa", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]
    line += ["-o", "LogLevel=ERROR", "-o", "BatchMode=yes", "-o", "IdentityAgent=none", "-o", "ConnectTimeout=10"]
    for _ in range(tries):
        done = subprocess.run([*line, f"azureuser@{address}", command], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=60)  # fmt: skip
        if done.returncode == 0:
            break
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def details(walk, name=MACHINE):
    return json.loads(walk.az("admin", f"vm show -d -g {GROUP} -n {name} -o json"))


def test_a_machine_shows_its_details(walk, address):
    shown = details(walk)
    assert (shown["powerState"], shown["publicIps"], shown["privateIps"]) == ("VM running", address, "10.0.0.4")


def test_a_machine_is_restarted(walk, address):
    before = shell_on(walk, address, BORN)
    walk.az("admin", f"vm restart -g {GROUP} -n {MACHINE}")
    assert shell_on(walk, address, BORN) != before


@pytest.mark.parametrize(("verb", "state"), [("stop", "VM stopped"), ("deallocate", "VM deallocated")])
def test_a_machine_is_switched_off_and_keeps_its_disk(walk, address, verb, state):
    shell_on(walk, address, f"echo {verb} > kept && sync")
    walk.az("admin", f"vm {verb} -g {GROUP} -n {MACHINE}")
    assert details(walk)["powerState"] == state
    walk.az("admin", f"vm start -g {GROUP} -n {MACHINE}")
    assert details(walk)["powerState"] == "VM running"
    assert shell_on(walk, address, "cat kept") == verb


def test_an_open_port_is_open(walk, address):
    shell_on(walk, address, "sudo /usr/sbin/sshd -p 8022 -o PidFile=none")
    probe = ["timeout", "3", "bash", "-c", f"exec 3<>/dev/tcp/{address}/8022"]
    assert subprocess.run(probe, capture_output=True).returncode != 0
    walk.az("admin", f"vm open-port -g {GROUP} -n {MACHINE} --port 8022 --priority 950")
    assert subprocess.run(probe, capture_output=True).returncode == 0


def test_an_identity_comes_and_goes(walk, address):
    walk.az("admin", f"vm identity assign -g {GROUP} -n {MACHINE}")
    assert details(walk)["identity"]["principalId"]
    walk.az("admin", f"vm identity remove -g {GROUP} -n {MACHINE}")
    assert not (details(walk).get("identity") or {}).get("principalId")


def test_a_machine_survives_the_death_of_the_fabric_and_of_the_server(world, walk, address):
    before = shell_on(walk, address, BORN)
    world.fabric.stop(signal.SIGKILL)
    world.server.stop(signal.SIGKILL)
    assert shell_on(walk, address, BORN) == before
    # The server is there first, and does not take its machines for somebody else's.
    start_with_addresses(world)
    restart = walk.cli("admin").start("vm", "restart", "-g", GROUP, "-n", MACHINE)
    world.fabric.start()
    assert restart.wait(60) == 0, restart.communicate()
    assert shell_on(walk, address, BORN) != before
    assert details(walk)["powerState"] == "VM running"


def test_a_creation_goes_on_after_the_server_was_restarted(world, walk, address):
    walk.az("admin", f"vm create -g {GROUP} -n between --image Debian12 {KEYS} --no-wait")
    deadline = time.monotonic() + 30
    state = f"vm list -g {GROUP} --query \"[?name=='between'].provisioningState\" -o tsv"
    while walk.az("admin", state) not in ("Creating", "Succeeded"):
        assert time.monotonic() < deadline
    world.server.stop(signal.SIGKILL)
    start_with_addresses(world)
    walk.az("admin", f"vm wait -g {GROUP} -n between --created --interval 1 --timeout 60", timeout=90)
    shown = details(walk, "between")
    assert (shown["provisioningState"], shown["powerState"]) == ("Succeeded", "VM running")
    assert shell_on(walk, shown["publicIps"], "hostname") == "between"


def test_a_machine_is_deleted(world, walk, address):
    files = len(traces(world)["files"])
    walk.az("admin", f"vm delete -g {GROUP} -n between --yes")
    walk.az("admin", f"vm show -g {GROUP} -n between", expect=3, match="ResourceNotFound")
    assert len(traces(world)["files"]) == files - 1


def test_twenty_machines_are_made_by_one_command(world, walk, address):
    line = f"vm create -g {GROUP} -n many --count {MANY} --image Debian12 {KEYS} --public-ip-address '' --nsg ''"
    printed = walk.az("admin", line, timeout=420)
    assert len(json.loads(printed[printed.index("[") :])) == MANY
    states = walk.az("admin", f"vm list -d -g {GROUP} --query \"[?starts_with(name, 'many')].powerState\" -o tsv")
    assert states.split("\n") == ["VM running"] * MANY
