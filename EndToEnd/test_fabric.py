"""Machines that are really made: two networks with the same range, what separates them, and what is left of them."""

import base64
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import fabric_client
import pytest
from fabric_client import Refused

from lab import shell

PORT = 28443
PASSWORD = "Correct-horse-7"


@pytest.fixture(scope="module")
def server():
    """Something that answers on the server's port of the box, and something on another one."""
    ports = [PORT, PORT + 1]
    started = [
        shell.start([sys.executable, "-m", "http.server", str(port), "--directory", "/var/empty"], "/dev/null")
        for port in ports
    ]
    yield
    for each in started:
        each.kill()
        each.wait()


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    place = tmp_path_factory.mktemp("key") / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", place], check=True)
    return place


@pytest.fixture(scope="module")
def fabric(server, key):
    folder = tempfile.mkdtemp(prefix="sallyport-fabric-")
    made = fabric_client.Fabric(folder, PORT)
    before = made.leftovers()
    try:
        made.start()
        made.network("red")
        made.network("blue")
        administrator = {"name": "azureuser", "publicKeys": [key.with_suffix(".pub").read_text()], "password": PASSWORD}
        made.machine(
            "one",
            "red",
            "10.0.0.4",
            administrator=administrator,
            memory=256,
            customData="IyEvYmluL3NoCmVjaG8gb25jZSA+Pi9yb290L2N1c3RvbQo=",
        )
        made.machine("two", "blue", "10.0.0.4")
        made.machine("three", "red", "10.0.0.5")
        yield made
        made.clean()
        assert made.leftovers() == before
        assert not (made.data / "fabric").exists()
    finally:
        if (made.data / "fabric").exists():
            made.clean()
        shutil.rmtree(folder, ignore_errors=True)


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


def test_secrets_lie_nowhere(fabric):
    found = subprocess.run(["grep", "-rlF", PASSWORD, fabric.data / "fabric"], capture_output=True, text=True)
    assert found.stdout == ""
    assert PASSWORD not in fabric.log.read_text()


def test_root_in_a_machine_has_no_power_over_the_box(fabric):
    def as_root(line):
        return fabric.inside("one", "su", "-", "azureuser", "-c", f"sudo -n bash -c '{line}' 2>&1", check=False)

    # `su` by the box keeps the box's powers, so sign in as a person would: through what process 1 started.
    status = fabric.inside("one", "cat", "/proc/1/status")
    powers = int(next(line.split()[1] for line in status.splitlines() if line.startswith("CapBnd")), 16)
    for forbidden in (2, 12, 16, 17, 21, 22, 23, 25, 27, 34, 39):
        assert not powers >> forbidden & 1, forbidden
    assert fabric.inside("one", "cat", "/proc/1/comm").strip() == "bash"
    mounts = fabric.inside("one", "cat", "/proc/mounts")
    assert "/proc/sys proc ro" in mounts
    assert str(fabric.data) not in fabric.inside("one", "ls", "/", "/proc/1/root/")
    assert "Read-only" in as_root("echo 1 >/proc/sys/kernel/panic")


def attack(fabric, name, address, script):
    """What a script says that root runs in a new machine: with root's powers there, unlike `fabric.inside`."""
    text = f"#!/bin/bash\nexec >/root/said 2>&1\n{script}\necho finished\n"
    fabric.machine(name, "red", address, customData=base64.b64encode(text.encode()).decode())
    try:
        deadline = time.monotonic() + 20
        while True:
            said = fabric.inside(name, "cat", "/root/said", check=False)
            if "finished" in said or time.monotonic() > deadline:
                return said
            time.sleep(0.1)
    finally:
        fabric.perform("delete", name)


def test_a_namespace_of_users_gives_no_powers_back(fabric):
    # The first of these led to the machine's own control groups and lifted its limits.
    said = attack(
        fabric,
        "escape",
        "10.0.0.30",
        """
        unshare --user --map-root-user id && echo ESCAPED
        lift='mount -t cgroup -o pids none /mnt && echo max >/mnt/pids.max'
        unshare --user --map-root-user --mount --cgroup bash -c "$lift" && echo ESCAPED
        add_key='my ($t, $d, $v) = ("user", "sallyport-test", "x"); exit(syscall(248, $t, $d, $v, 1, -4) > 0 ? 0 : 1)'
        perl -e "$add_key" && echo ESCAPED
        dmesg >/dev/null && echo ESCAPED
        su -s /bin/bash nobody -c 'unshare --user id' && echo ESCAPED
        grep Seccomp: /proc/self/status
        """,
    )
    assert "finished" in said and "Seccomp:\t2" in said
    assert "ESCAPED" not in said, said


def test_nothing_of_the_box_is_open_in_a_machine(fabric, tmp_path):
    # Whatever the service was started with: here a file of the box, without close-on-exec.
    secret = os.open(tmp_path / "secret", os.O_CREAT | os.O_RDWR, 0o600)
    os.set_inheritable(secret, True)
    fabric.stop()
    try:
        line = shell.on_host(fabric.command())
        inherited = [secret, *shell.host_files()]
        with fabric.log.open("ab") as log:
            service = subprocess.Popen(line, pass_fds=inherited, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while not fabric._answers() and time.monotonic() < deadline:
            time.sleep(0.05)
        said = attack(fabric, "heir", "10.0.0.31", "ls -l /proc/$$/fd /proc/1/fd")
        assert "finished" in said and str(tmp_path) not in said and "/secret" not in said, said
    finally:
        service.terminate()
        service.wait()
        os.close(secret)
        fabric.start()


def test_a_server_with_a_user_of_its_own_cannot_write_what_root_believes(monkeypatch):
    """The data directory is the server's; its words about folders to mount and to remove would be root's deeds."""
    monkeypatch.setattr(fabric_client, "LAB", f"{fabric_client.LAB}-apart")
    folder = Path(tempfile.mkdtemp(prefix="sallyport-fabric-"))
    folder.chmod(0o755)
    made = fabric_client.Fabric(folder, PORT)
    victim = folder / "victim"
    victim.write_text("root's")
    victim.chmod(0o644)
    os.chown(made.data, 65534, 65534)
    state = Path(f"/var/lib/sallyport-fabric{made.data}")
    # Planted by the server's user: a record that leads elsewhere, and a link where the socket will be.
    planted = made.data / "fabric" / "machines" / "x"
    planted.mkdir(parents=True)
    (planted / "machine.json").write_text("{}")
    made.socket.symlink_to(victim)
    try:
        made.start()
        assert victim.stat().st_mode & 0o777 == 0o644 and victim.stat().st_uid == 0
        status = made.socket.lstat()
        assert stat.S_ISSOCK(status.st_mode) and status.st_mode & 0o777 == 0o600 and status.st_uid == 65534
        made.network("green")
        assert list((state / "networks").glob("*.json")) and not (made.data / "fabric" / "networks").exists()
        made.clean()
        assert not state.exists() and planted.exists()
        weak = folder / "weak"
        weak.mkdir()
        os.chown(weak, 65534, 65534)
        refused = subprocess.run([*made.command(), "--state", weak], capture_output=True, text=True, timeout=60)
        assert refused.returncode != 0 and "is not root's alone" in refused.stderr + refused.stdout
    finally:
        made.stop()
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(state.parent, ignore_errors=True)


def test_processes_are_bounded(fabric):
    places = [*Path("/sys/fs/cgroup/pids").glob("sallyport-*"), *Path("/sys/fs/cgroup").glob("sallyport-*")]
    limits = [(place / "pids.max").read_text().strip() for place in places]
    assert "2048" in limits


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
