"""Broken on purpose: programs killed, wires cut, files damaged. What the documentation promises for that holds."""

import contextlib
import signal
import subprocess
import threading

import pytest
import requests
from test_taking_away import LIMIT, assignment

import people
from bastion_client import Listener, TokenRefused
from lab import programs
from sign_in import Refused, TokenEndpoint, eventually

VM_ADDRESS = "10.77.0.11"


def straight(world, who, *command, address=VM_ADDRESS, options=()):
    """The command line of an ssh that goes to a machine without a bastion, as from a jump host in its network."""
    line = who.ssh_line(22, *command, options=options)
    line[line.index("127.0.0.1")] = address
    return world.server_place.inside(line)


def run(line, timeout=60):
    return subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout)


class Live:
    """A session beside the bastion that says something every tenth of a second."""

    def __init__(self, world, who):
        line = straight(world, who, "echo started; while sleep 0.1; do echo tick; done", options=["-tt"])
        self.process = subprocess.Popen(
            line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert self.process.stdout.readline().strip() == "started"

    def goes_on(self):
        """Whether something that is said from now on arrives."""
        return all(self.process.stdout.readline().strip() == "tick" for _ in range(3))

    def is_over(self):
        return self.process.poll() is not None


@pytest.fixture
def live(world):
    """live(person) opens a session that is closed after the test whatever happens."""
    opened = []

    def open_for(who):
        opened.append(Live(world, who))
        return opened[-1]

    yield open_for
    for session in opened:
        session.process.kill()
        session.process.wait()


@pytest.fixture
def server(world):
    """The lab's server, up again after the test whatever happens."""
    yield world.server
    if world.server.is_running():
        return
    world.server.start()


@contextlib.contextmanager
def taken_away(person, world, name):
    """Somebody without the administrator role that they usually have."""
    arm = person("admin").arm
    taken = assignment(person, world, name)
    assert arm.send("DELETE", taken["id"], "2022-04-01").status_code in (200, 204)
    try:
        yield
    finally:
        body = {"properties": {k: taken["properties"][k] for k in ("roleDefinitionId", "principalId", "principalType")}}
        assert arm.send("PUT", taken["id"], "2022-04-01", body).status_code in (200, 201)


def gets_in(who):
    """Whether a sign-in through the bastion works just now."""
    try:
        return who.ssh("myVM", "true").returncode == 0
    except (TokenRefused, subprocess.TimeoutExpired, OSError):
        return False


# The server


def test_a_server_killed_amid_sessions_and_sign_ins_keeps_what_it_promised(world, person, server):
    """Twenty sessions and four people who sign in again and again. Every token that was handed out is still good."""
    alice, machine = person("alice"), world.machine("myVM")
    promised, over = [], threading.Event()

    def keep_signing_in(name):
        endpoint = TokenEndpoint(world.url, server.authority, alice.endpoint.tenant)
        while not over.is_set():
            with contextlib.suppress(requests.RequestException):
                promised.append(endpoint.password(world.upn(name), world.password(name))["refresh_token"])

    tunnel = Listener(alice.bastion(), world.path("myVM"), 22, {})
    people_signing_in = [threading.Thread(target=keep_signing_in, args=(name,)) for name in ("bob", "nora") * 2]
    sessions = []
    try:
        for _ in range(20):  # one after the other: sshd drops some of more than ten that have not signed in yet
            sessions.append(alice.start_ssh(tunnel, "echo in; sleep 7654", options=["-tt"]))
            assert sessions[-1].stdout.readline().strip() == "in", (tunnel.errors, sessions[-1].stderr.read())
        for each in people_signing_in:
            each.start()
        eventually(lambda: len(promised) >= 8, 30, "people sign in")
        server.stop(signal.SIGKILL)
        over.set()
        for session in sessions:
            assert session.wait(10) != 0, "a session that is cut says so"
    finally:
        over.set()
        for session in sessions:
            session.kill()
        for each in people_signing_in:
            if each.ident:
                each.join()
    eventually(lambda: "sleep 7654" not in machine.run("ps ax"), 10, "nothing of them is left on the machine")
    server.start()
    tunnel.end()
    for token in promised:
        assert alice.endpoint.refresh(token)["access_token"]
    assert "in the store" not in server.log.read_text()
    eventually(lambda: gets_in(alice), 40, "a sign-in after the restart")


def test_without_its_server_a_machine_lets_in_who_was_let_in_before(world, person, server, live):
    """Nothing that runs ends, decisions hold for ten minutes; what is taken away afterwards ends within two seconds."""
    machine, gina = world.machine("myVM"), person("gina")
    session = live(gina)
    server.stop(signal.SIGKILL)
    assert session.goes_on()
    done = run(straight(world, person("alice"), "sudo -n id -u"))
    assert done.stdout.strip() == "0", done.stderr + machine.log("sally-agent")[-2000:]
    assert "not connected" in machine.run("sally-agent", "status", check=False)
    server.start()
    machine.wait_for("sally-agent status", 35)
    assert session.goes_on()
    with taken_away(person, world, "gina"):
        took = eventually(session.is_over, LIMIT + 3, "the session ended")
        assert took <= LIMIT, f"{took:.2f} s"


# The agent


def test_a_killed_agent_ends_nobody_and_lets_nobody_new_in(world, person, live):
    """Names resolve, sessions go on, local accounts work; once it is back it knows its sessions and ends them."""
    machine, gina, alice = world.machine("myVM"), person("gina"), person("alice")
    session = live(gina)
    name = machine.run("getent", "passwd", world.upn("alice"))
    machine.end_service("sally-agent", signal.SIGKILL)
    try:
        assert machine.run("getent", "passwd", world.upn("alice")) == name
        assert session.goes_on()
        line = straight(world, alice, "echo got-in")
        refused = run([word.replace("LogLevel=Error", "LogLevel=INFO") for word in line])
        assert refused.returncode != 0 and "got-in" not in refused.stdout
        assert "sally-agent" in refused.stderr, "the reason: " + refused.stderr
        local_login(world, machine, alice)
    finally:
        programs.start_agent(machine)
    assert session.goes_on()
    assert run(straight(world, alice, "true")).returncode == 0
    with taken_away(person, world, "gina"):
        took = eventually(session.is_over, LIMIT + 3, "the session of before the agent's death ended")
        assert took <= LIMIT, f"{took:.2f} s"


def local_login(world, machine, who):
    """Somebody of the machine's own, with a key of the old kind, gets in."""
    machine.run("id olduser || useradd --create-home --shell /bin/bash olduser")
    key = who.certificate().private
    public = key.with_suffix(".pub").read_text()
    machine.write("/home/olduser/.ssh/authorized_keys", public)
    machine.run("chmod 700 /home/olduser/.ssh; chown -R olduser: /home/olduser")
    line = ["ssh", *people.SSH_OPTIONS, "-i", key, "-o", "CertificateFile=none", "-l", "olduser", VM_ADDRESS, "id -un"]
    try:
        done = run(world.server_place.inside(line))
    finally:
        machine.run("userdel --remove --force olduser", check=False)
    assert done.stdout.strip() == "olduser", done.stderr


# The wire


@contextlib.contextmanager
def cut(machine):
    """A machine whose packets to the server disappear without a word; the way in stays."""
    chains = [
        f"chain {name} {{ type filter hook {name} priority 0; {rule} drop; }}\n"
        for name, rule in (("output", "tcp dport 443"), ("input", "tcp sport 443"))
    ]
    machine.run("nft", "-f", "-", text=f"table inet cut {{ {''.join(chains)} }}\n")
    try:
        yield
    finally:
        machine.run("nft", "delete", "table", "inet", "cut")


def test_a_minute_without_a_wire_ends_nobody_and_what_was_missed_is_made_up_for(world, person, live):
    machine, gina = world.machine("myVM"), person("gina")
    stays, goes = live(person("alice")), live(gina)
    with contextlib.ExitStack() as later:
        with cut(machine):
            done = run(straight(world, person("alice"), "sudo -n id -u"))
            assert done.stdout.strip() == "0", "a sign-in while the wire is cut: " + done.stderr
            later.enter_context(taken_away(person, world, "gina"))
            eventually(
                lambda: "not connected" in machine.run("sally-agent", "status", check=False), 75, "the agent notices"
            )
            assert stays.goes_on() and goes.goes_on()
        machine.wait_for("sally-agent status", 40)
        took = eventually(goes.is_over, LIMIT + 3, "who lost the role meanwhile is out")
        assert took <= LIMIT, f"{took:.2f} s"
        refused = run(straight(world, gina, "echo got-in"))
        assert "got-in" not in refused.stdout
    assert stays.goes_on()


# Names


HOSTILE = [
    "alice@contoso.example; touch /tmp/pwned",
    "$(touch /tmp/pwned)@contoso.example",
    "`touch /tmp/pwned`",
    "../../../../tmp/pwned",
    "alice@contoso.example\nroot",
    "%s%s%s%n@contoso.example",
    "alice@contoso.example'--",
    "-oProxyCommand=touch /tmp/pwned",
    "root:0:0::/:/bin/sh@contoso.example",
    "a" * 300 + "@contoso.example",
    "\u202ealice@contoso.example",
    "аlice@contoso.example",
    "alice@contoso.example\x00",
]


@pytest.mark.parametrize("name", [name for name in HOSTILE if "\0" not in name])
def test_a_hostile_name_is_nobody_on_a_machine(world, person, name):
    """With alice's own certificate, so that everything on the way asks who this is."""
    machine, alice = world.machine("myVM"), person("alice")
    line = straight(world, alice, "echo got-in")
    line[line.index("-l") + 1] = name
    if name.startswith("-"):
        line[line.index("-l") : line.index("-l") + 2] = ["-o", f"User={name}"]
    done = run(line)
    assert done.returncode != 0 and "got-in" not in done.stdout
    assert machine.run("getent", "passwd", "--", name, check=False) == ""
    assert machine.run("ls", "/tmp/pwned", check=False).count("No such file") == 1
    machine.run("sally-agent", "status")


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_refused_by_the_sign_in_service(world, endpoint, name):
    with pytest.raises(Refused) as refused:
        endpoint.password(name, "x")
    assert refused.value.status == 400 and refused.value.body["error"] in ("invalid_grant", "invalid_request")
