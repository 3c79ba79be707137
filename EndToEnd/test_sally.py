"""Our own command line: the same job in less time, and the plain tools around it."""

import json
import os
import subprocess
import time

import pytest

from lab import programs
from lab.world import CI_ROBOT, TENANT


class Sally:
    """`sally` with a home of its own."""

    def __init__(self, world, home):
        self.world = world
        self.home = home
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "SALLY_CONFIG_DIR": str(home / "sally"),
            "SALLYPORT_URL": world.url,
            "SALLYPORT_CA": str(world.server.authority),
            "LANG": "C.UTF-8",
        }

    def run(self, *arguments, text="", timeout=60):
        return subprocess.run(
            [programs.program("sally"), *arguments],
            env=self.environment,
            input=text,
            capture_output=True,
            text=True,
            timeout=timeout,
            cwd=self.home,
        )

    def login(self, name):
        if name == "ci-robot":
            who = ["--service-principal", "--username", CI_ROBOT, "--tenant", TENANT]
            secret = self.world.secrets["SALLYPORT_SP_SECRET"]
        else:
            who, secret = ["--username", self.world.upn(name)], self.world.password(name)
        return self.run("login", *who, "--password-stdin", text=secret + "\n")

    def vm(self, *command):
        return self.run("ssh", "vm", "-n", "myVM", "-g", "demo", "--", *command)


@pytest.fixture
def sally(world, tmp_path):
    """sally("alice"): somebody's signed-in command line."""
    world.machine("myVM")

    def make(name=None):
        home = tmp_path / (name or "nobody")
        home.mkdir()
        made = Sally(world, home)
        if name:
            done = made.login(name)
            assert done.returncode == 0, done.stderr
        return made

    return make


def test_sign_in_and_shell(world, sally):
    done = sally("alice").vm("id -un; sudo -n id -u")
    assert done.returncode == 0 and done.stdout.split() == [world.upn("alice"), "0"], done.stderr


def test_the_status_of_the_remote_command_is_passed_on(sally):
    alice = sally("alice")
    assert alice.vm("exit 37").returncode == 37
    assert alice.vm("true").returncode == 0


def test_ssh_hears_every_signal(sally):
    """The threads that `sally` works on hold signals back; the ssh that takes its place must not."""
    alice = sally("alice")
    line = [programs.program("sally"), "ssh", "vm", "-n", "myVM", "-g", "demo", "--", "echo in; sleep 30"]
    process = subprocess.Popen(line, env=alice.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "in\n"
        process.terminate()
        assert process.wait(5) != 0
    finally:
        process.kill()


def test_a_robot_signs_in_without_a_browser(sally):
    done = sally("ci-robot").vm("id -un")
    assert done.stdout.strip() == CI_ROBOT, done.stderr


def test_standard_input_reaches_the_remote_command(sally):
    alice = sally("alice")
    done = alice.run("ssh", "vm", "-n", "myVM", "-g", "demo", "--", "cat; echo end", text="through\n")
    assert done.stdout == "through\nend\n", done.stderr


def test_a_wrong_password_is_refused_in_words(world, sally):
    nobody = sally()
    done = nobody.run("login", "--username", world.upn("alice"), "--password-stdin", text="a-guessed-password\n")
    assert done.returncode != 0 and "AADSTS50126" in done.stderr
    assert "a-guessed-password" not in done.stdout + done.stderr


@pytest.mark.parametrize("name", ["dave", "admin", "erin"])
def test_the_refused_read_why(sally, name):
    done = sally(name).vm("echo got-in")
    assert done.returncode != 0 and "got-in" not in done.stdout
    assert ("Azure role not assigned" in done.stderr) or (name == "erin" and "guest" in done.stderr.lower()), (
        done.stderr
    )


def test_nobody_signed_in_is_told_to_sign_in(sally):
    done = sally().vm("echo got-in")
    assert done.returncode != 0 and "sally login" in done.stderr


def test_a_machine_that_is_not_there_is_said_to_be_missing(sally):
    done = sally("alice").run("ssh", "vm", "-n", "noSuchVM", "-g", "demo", "--", "true")
    assert done.returncode != 0 and "noSuchVM" in done.stderr


def test_what_it_keeps_is_for_its_owner_only(sally):
    alice = sally("alice")
    alice.vm("true")
    for place in (alice.home / "sally").rglob("*"):
        assert place.stat().st_mode & 0o077 == 0, place


def test_no_private_key_is_left_in_temporary_folders(sally):
    before = set(os.listdir("/tmp"))
    sally("alice").vm("true")
    for name in set(os.listdir("/tmp")) - before:
        path = os.path.join("/tmp", name)
        if os.path.isfile(path):
            assert b"PRIVATE KEY" not in open(path, "rb").read(4096), path


def test_logout_forgets(sally):
    alice = sally("alice")
    assert alice.run("logout").returncode == 0
    assert alice.vm("true").returncode != 0


@pytest.mark.parametrize("name, note", [("basic-bastion", "going through 'demo-bastion'"), ("demo-bastion", "")])
def test_the_bastion_host_of_the_machine_s_network_is_taken_whatever_the_environment_says(sally, name, note):
    alice = sally("alice")
    alice.environment["SALLYPORT_BASTION"] = name
    done = alice.vm("echo through")
    assert done.stdout == "through\n" and note in done.stderr, done.stderr
    assert ("SALLYPORT_BASTION" in done.stderr) == bool(note)


def test_config_for_plain_ssh(world, sally):
    alice = sally("alice")
    done = alice.run("ssh", "config", "--file", str(alice.home / "config"), "-n", "myVM", "-g", "demo")
    assert done.returncode == 0, done.stderr
    out = subprocess.run(
        ["ssh", "-F", alice.home / "config", "-o", "BatchMode=yes", "demo-myVM", "id", "-un"],
        env=alice.environment,
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )
    assert out.stdout.strip() == world.upn("alice"), out.stderr


def test_only_the_certificate_is_offered(sally):
    """sshd makes everybody wait after a key that it does not take."""
    done = sally("alice").run("ssh", "vm", "-n", "myVM", "-g", "demo", "--", "-v", "true")
    assert done.returncode == 0 and done.stderr.count("Offering public key") == 1, done.stderr
    assert "ED25519-CERT" in done.stderr


def test_config_of_the_same_name_takes_the_place_of_the_first(sally):
    alice = sally("alice")
    (alice.home / "config").write_text("Host other\n    Port 2222\n\n")
    for machine in ("vm11", "myVM"):
        line = ["ssh", "config", "-n", machine, "-g", "demo", "--file", "config", "--host", "box"]
        assert alice.run(*line).returncode == 0
    text = (alice.home / "config").read_text()
    assert text.count("Match originalhost box") == 1 and "/virtualMachines/myVM" in text and "Host other" in text
    done = subprocess.run(
        ["ssh", "-F", "config", "-o", "BatchMode=yes", "box", "uname -n"],
        env=alice.environment, cwd=alice.home, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_a_certificate_whose_files_are_lost_is_replaced(sally):
    alice = sally("alice")
    assert alice.vm("true").returncode == 0
    for name in ("id_ed25519-cert.pub", "id_ed25519", "known_hosts"):
        (alice.home / "sally" / "run" / name).unlink()
        done = alice.vm("true")
        assert done.returncode == 0, (name, done.stderr)


def test_many_at_once_renew_one_certificate(sally):
    """What Ansible does an hour later: each of them finds the certificate over, and none may spoil the others' key."""
    alice = sally("alice")
    assert alice.run("ssh", "config", "-n", "myVM", "-g", "demo", "--file", "config").returncode == 0
    note = alice.home / "sally" / "run" / "certificate.json"
    note.write_text(json.dumps(json.loads(note.read_text()) | {"validBefore": 0}))
    line = ["ssh", "-F", "config", "demo-myVM", "id -un"]
    many = [
        subprocess.Popen(line, env=alice.environment, cwd=alice.home, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(8)
    ]
    said = [one.communicate(timeout=60) for one in many]
    assert all(one.returncode == 0 for one in many), said
    assert json.loads(note.read_text())["validBefore"] > time.time() * 1000


def test_an_agent_is_forwarded_to_who_asks_for_it(sally):
    alice = sally("alice")
    line = ["ssh-agent", programs.program("sally"), "ssh", "vm", "-n", "myVM", "-g", "demo", "--", "-A", "ssh-add -l"]
    done = subprocess.run(line, env=alice.environment, cwd=alice.home, capture_output=True, text=True, timeout=60)
    assert "The agent has no identities." in done.stdout, done.stderr


def test_an_address_and_a_bastion_host_exclude_each_other(sally):
    done = sally("alice").run("ssh", "vm", "--ip", "10.77.0.11", "--bastion", "demo-bastion")
    assert done.returncode == 64 and "--target-ip-address" in done.stderr


def test_certificate_for_one_s_own_key(world, sally):
    from sign_in import principals

    alice = sally("alice")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", alice.home / "mine"], check=True)
    done = alice.run(
        "ssh", "cert", "--public-key-file", str(alice.home / "mine.pub"), "--file", str(alice.home / "mine-cert.pub")
    )
    if done.returncode != 0:  # as `az ssh cert`: an RSA key is asked for
        subprocess.run(["ssh-keygen", "-q", "-t", "rsa", "-N", "", "-f", alice.home / "rsa"], check=True)
        done = alice.run(
            "ssh", "cert", "--public-key-file", str(alice.home / "rsa.pub"), "--file", str(alice.home / "mine-cert.pub")
        )
    assert done.returncode == 0, done.stderr
    assert principals(alice.home / "mine-cert.pub")[0] == world.upn("alice")


def test_bastion_tunnel(world, sally):
    import socket

    alice = sally("alice")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    line = [programs.program("sally"), "network", "bastion", "tunnel", "--name", "demo-bastion", "-g", "demo"]
    line += ["--target-resource-id", world.path("myVM"), "--resource-port", "22", "--port", str(port)]
    process = subprocess.Popen(line, env=alice.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + 10
        while True:
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
                    assert connection.recv(100).startswith(b"SSH-2.0-OpenSSH")
                break
            except ConnectionRefusedError:
                assert time.monotonic() < deadline and process.poll() is None
                time.sleep(0.05)
        process.terminate()
        assert process.wait(5) is not None
    finally:
        process.kill()


def test_it_starts_in_no_time(sally):
    nobody = sally()
    best = min(timed(lambda: nobody.run("--help")) for _ in range(5))
    assert best < 0.15, best


def timed(action):
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


@pytest.mark.parametrize(
    "arguments, hint",
    [
        (["ssh", "vm", "-ip", "10.77.0.11"], "--ip"),
        (["ssh", "vm", "--ip", "10.11.123.456"], "10.11.123.456"),
        (["ssh", "config", "-h"], "--file"),
        (["network", "bastion", "ssh", "--help"], "--target-resource-id"),
    ],
)
def test_help_and_mistakes_are_answered_helpfully(sally, arguments, hint):
    done = sally("alice").run(*arguments)
    assert hint in done.stdout + done.stderr
