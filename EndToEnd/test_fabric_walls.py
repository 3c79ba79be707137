"""What a machine of the fabric, and the server's own user, cannot do to the box."""

import base64
import os
import shutil
import stat
import subprocess
import tempfile
import time
from pathlib import Path

import fabric_client
from fabric_fixtures import PASSWORD, PORT

from lab import shell


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
