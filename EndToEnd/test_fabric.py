"""Machines that are really made: two networks with the same range, what separates them, and what is left of them."""

import signal
import time

import fabric_client
import pytest
from fabric_client import Refused
from fabric_fixtures import PORT

from lab import shell


def banner(fabric, network, address="10.0.0.4", port=22):
    with fabric.connect(address, port, network) as connection:
        return connection.recv(64)


def can_reach(fabric, machine, address, port):
    line = f"timeout 2 bash -c 'exec 3<>/dev/tcp/{address}/{port}' 2>/dev/null && echo yes || echo no"
    return fabric.inside(machine, "bash", "-c", line).strip() == "yes"


def test_two_networks_with_the_same_range_have_machines_with_the_same_address(fabric):
    assert fabric.inside("one", "hostname").strip() == "one"
    assert fabric.inside("two", "hostname").strip() == "two"
    assert banner(fabric, "red").startswith(b"SSH-2.0-")
    keys = {fabric.inside(name, "cat", "/etc/ssh/ssh_host_ed25519_key.pub") for name in ("one", "two", "three")}
    assert len(keys) == 3


def test_a_machine_reaches_the_server_at_its_gateway_and_nothing_else_of_the_box(fabric):
    assert can_reach(fabric, "one", "10.0.0.1", PORT)
    assert not can_reach(fabric, "one", "10.0.0.1", PORT + 1)
    link = fabric.inside("one", "ip", "route").split()[2]
    assert link == "10.0.0.1"
    box = shell.run("ip", "-o", "-4", "address", "show").split()
    for address in [word.split("/")[0] for word in box if word.count(".") == 3 and "/" in word]:
        if not address.startswith("127."):
            assert not can_reach(fabric, "one", address, PORT + 1), address


def test_neighbours_are_kept_apart_until_a_rule_lets_them(fabric):
    assert not can_reach(fabric, "three", "10.0.0.4", 22)
    rule = {"isAllowed": True, "transport": "tcp", "sources": ["10.0.0.5", "10.0.0.0/24"], "ports": [[22, 22]]}
    fabric.machine("one", "red", "10.0.0.4", interface={"inbound": [rule]})
    assert can_reach(fabric, "three", "10.0.0.4", 22)
    fabric.machine("one", "red", "10.0.0.4")
    assert not can_reach(fabric, "three", "10.0.0.4", 22)


def test_a_machine_cannot_take_its_neighbour_s_address(fabric):
    # With the box's own powers, which root in the machine does not have.
    fabric.inside("three", "ip", "address", "add", "10.0.0.9/24", "dev", "eth0")
    line = f"timeout 2 bash -c 'exec 3<>/dev/tcp/10.0.0.1/{PORT}' && echo yes || echo no"
    assert fabric.inside("three", "bash", "-c", line).strip() == "yes"
    fabric.inside("three", "ip", "route", "replace", "10.0.0.1/32", "dev", "eth0", "src", "10.0.0.9")
    assert fabric.inside("three", "bash", "-c", line).strip().endswith("no")
    fabric.inside("three", "ip", "route", "delete", "10.0.0.1/32", "dev", "eth0")
    fabric.inside("three", "ip", "address", "delete", "10.0.0.9/24", "dev", "eth0")


def test_connecting_leads_into_the_named_network_only(fabric):
    for address, network in (("127.0.0.1", "red"), ("10.0.0.1", "red"), ("10.0.1.4", "red"), ("10.0.0.4", "green")):
        with pytest.raises(Refused):
            fabric.connect(address, 22, network)
    with pytest.raises(OSError):
        fabric.connect("10.0.0.4", 23, "red")


def test_the_administrator_is_there_with_key_and_sudo(fabric):
    assert "azureuser" in fabric.inside("one", "getent", "passwd", "azureuser")
    assert "uid=0" in fabric.inside("one", "su", "-", "azureuser", "-c", "sudo -n id")
    assert "ssh-ed25519" in fabric.inside("one", "cat", "/home/azureuser/.ssh/authorized_keys")
    assert fabric.inside("one", "stat", "-c", "%U %a", "/home/azureuser/.ssh").split() == ["azureuser", "700"]
    assert fabric.inside("one", "getent", "shadow", "azureuser").split(":")[1].startswith("$")


def test_custom_data_runs_once(fabric):
    fabric.perform("restart", "one")
    assert fabric.inside("one", "cat", "/root/custom") == "once\n"


def test_machines_survive_the_service_and_are_found_again(fabric):
    before = fabric.record("one")["process"]
    fabric.stop(signal.SIGKILL)
    assert fabric.inside("one", "hostname").strip() == "one"
    fabric.start()
    assert fabric.state("one") == "running"
    assert fabric.record("one")["process"] == before
    assert banner(fabric, "red").startswith(b"SSH-2.0-")


def test_a_machine_that_died_with_the_service_is_started_again(fabric):
    fabric.stop()
    process = fabric.record("two")["process"]["number"]
    fabric.inside("two", "bash", "-c", "echo kept >/root/kept")
    shell.run("kill", "-KILL", str(process))
    fabric.start()
    assert fabric.state("two") == "running"
    assert fabric.inside("two", "cat", "/root/kept") == "kept\n"


def test_stop_start_and_deallocate(fabric):
    fabric.perform("powerOff", "two")
    assert fabric.state("two") == "stopped"
    with pytest.raises(OSError):
        fabric.connect("10.0.0.4", 22, "blue", seconds=1)
    fabric.perform("start", "two")
    assert fabric.state("two") == "running"
    assert banner(fabric, "blue").startswith(b"SSH-2.0-")
    fabric.perform("deallocate", "two")
    assert fabric.state("two") == "deallocated"
    fabric.perform("start", "two")


def test_a_machine_that_switches_itself_off_is_stopped(fabric):
    fabric.inside("two", "bash", "-c", "kill -TERM 1", check=False)
    deadline = time.monotonic() + 10
    while fabric.state("two") != "stopped":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    fabric.perform("start", "two")


def test_sshd_is_started_again(fabric):
    fabric.inside("three", "pkill", "-f", "sshd -D|sshd: /usr/sbin/sshd")
    deadline = time.monotonic() + 10
    while True:
        try:
            assert banner(fabric, "red", "10.0.0.5").startswith(b"SSH-2.0-")
            break
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_a_network_with_machines_stays(fabric):
    with pytest.raises(Refused) as refused:
        fabric.ask(kind="removeNetwork", path=fabric_client.network_path("red"))
    assert refused.value.code == "InUseVirtualNetworkCannotBeDeleted"


def test_a_bad_order_makes_nothing(fabric):
    before = fabric.leftovers()
    for name, address, more in (
        ("bad", "10.9.0.4", {}),
        ("bad", "10.0.0.7", {"hostName": "a b"}),
        ("bad", "10.0.0.7", {"image": "../../etc"}),
        ("bad", "10.0.0.7", {"administrator": {"name": "a;b", "publicKeys": []}}),
    ):
        with pytest.raises(Refused):
            fabric.machine(name, "red", address, **more)
    assert fabric.leftovers() == before
    assert fabric.state("bad") is None


def test_a_public_address_leads_to_its_machine(fabric):
    rule = {"isAllowed": True, "transport": "tcp", "sources": [], "ports": [[22, 22]]}
    fabric.machine("three", "red", "10.0.0.5", interface={"publicAddress": "198.51.100.7", "inbound": [rule]})
    done = shell.run("bash", "-c", "exec 3<>/dev/tcp/198.51.100.7/22; head -c 8 <&3")
    assert done == "SSH-2.0-"
    fabric.machine("three", "red", "10.0.0.5")
    assert "198.51.100.7" not in shell.run("ip", "route")


def test_creating_from_a_warm_image_is_quick(fabric):
    began = time.monotonic()
    fabric.machine("quick", "blue", "10.0.0.20")
    took = time.monotonic() - began
    assert banner(fabric, "blue", "10.0.0.20").startswith(b"SSH-2.0-")
    fabric.perform("delete", "quick")
    assert fabric.state("quick") is None
    assert took < 5, took
