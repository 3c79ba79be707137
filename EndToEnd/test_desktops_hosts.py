"""Desktops on a machine: one-time passwords through PAM, local people as ever, sessions that end with all in them.

The server is played by the test, so that what it says, and when, is the test's to choose."""

import contextlib
import time
from pathlib import Path

import pytest

from lab import desktops, programs, shell
from lab.freerdp import FreeRDP, Screen
from lab.host_server import HostServer, signing_key
from lab.machine import Machine
from lab.network import Namespace, VirtualNetwork
from lab.world import LAB
from sign_in import eventually

LIMIT = 2.0
#: Where the tests' logs are kept when something went wrong.
KEPT = Path(__file__).resolve().parents[1] / ".lab"
NETWORK, HOST, OTHER = "10.77.9", "10.77.9.11", "10.77.9.12"


@pytest.fixture(scope="module")
def place():
    """A network of its own for the machines, with the server and the clients at its gateway."""
    made = Namespace(LAB, "desks")
    made.network = VirtualNetwork(LAB, "desks", f"{NETWORK}.1/24", made)
    with made.entrance() as made.door:
        yield made
    shell.run("ip", "netns", "delete", made.name)


class Host:
    """A machine with a desktop service, its agent, and the server that it has joined."""

    def __init__(self, place, name, address, port, folder, furnish):
        self.place = place
        self.address = address
        self.machine = Machine(LAB, name, place.network, address, dies_with_parent=True).start()
        settings = furnish(self.machine) or {}
        self.machine.start_sshd()
        self.before = self.files()
        self.server = HostServer(place.door, f"{NETWORK}.1", port, signing_key(folder)).__enter__()
        self.issued = []
        for path, source in programs.host_programs().items():
            self.machine.copy_in(source, path)
            for library in programs.toolchain_libraries(source):
                if not (self.machine.root / library.lstrip("/")).exists():
                    self.machine.copy_in(library, library)
        self.machine.write("/root/token", "anything\n", 0o600)
        join = ["sally-agent", "join", "--server", self.server.url, "--no-service"]
        self.machine.run(*join, "--token-file", "/root/token")
        programs.set_agent(self.machine, settings)
        programs.start_agent(self.machine)
        self.server.wait_for(lambda: self.server.status.get("loginState") == "enabled", 10, "the agent is ready")

    def files(self):
        """What the agent changes on a machine, and what it must not change."""
        names = "/etc/pam.d/* /etc/nsswitch.conf /etc/ssh/sshd_config /etc/ssh/sshd_config.d/* /etc/shadow /etc/passwd"
        modules = "find /usr/lib/*-linux-gnu /etc/sudoers.d /etc/sallyport -name '*sallyport*'"
        return self.machine.run(f"sha256sum {names} 2>/dev/null; {modules} 2>/dev/null", check=False)

    def stop(self):
        self.server.__exit__()
        self.machine.stop()

    def credential(self, who):
        """A credential for somebody."""
        answer = self.server.prepare(who)
        assert "refusal" not in answer, answer
        self.issued.append(answer["password"])
        return answer["user"], answer["password"]

    def inside(self, line):
        """A command line that runs where the machine's clients are."""
        return ["nsenter", f"--net={self.place.door}", "--", *line]

    @contextlib.contextmanager
    def desktop(self, user, password, colour=desktops.XRDP_COLOUR):
        """Somebody's desktop, seen with FreeRDP; ends with the block, though the session on the machine goes on."""
        with Screen() as screen:
            line = [f"/v:{self.address}", f"/u:{user}"]
            with FreeRDP(screen, *line, password=password, inside=self.inside) as client:
                try:
                    client.wait_for_colour(colour)
                except AssertionError as failure:
                    logs = [self.log()[-3000:], self.machine.log("sally-agent")[-2000:]]
                    raise AssertionError("\n".join([str(failure), *logs])) from None
                client.screen.click(300, 300)
                yield client

    def is_refused(self, user, password):
        """Whether xrdp's session manager takes a name and a password; nothing is shown."""
        before = self.log().count("AUTHFAIL") + self.log().count("Username or password error")
        with Screen(640, 480) as screen:
            line = [f"/v:{self.address}", f"/u:{user}"]
            with FreeRDP(screen, *line, password=password, inside=self.inside) as client:
                deadline = time.monotonic() + 15
                while time.monotonic() < deadline:
                    if screen.picture().share(desktops.XRDP_COLOUR) > 0.5:
                        return False
                    if self.log().count("AUTHFAIL") + self.log().count("Username or password error") > before:
                        return True
                    time.sleep(0.1)
        raise AssertionError(f"neither let in nor refused:\n{client.output}\n{self.log()}")

    def log(self):
        return self.machine.log("xrdp-sesman") + self.machine.log("xrdp")

    def says(self, client, command):
        """What a command typed into a desktop's terminal prints."""
        for _ in range(3):
            self.machine.run("rm -f /tmp/said; touch /tmp/said; chmod 666 /tmp/said")
            client.screen.type(f"({command}) >/tmp/said 2>&1; echo done >>/tmp/said\n", delay=5)
            deadline = time.monotonic() + 6
            while time.monotonic() < deadline:
                if self.machine.read("/tmp/said").endswith("done\n"):
                    return self.machine.read("/tmp/said").removesuffix("done\n").strip()
                time.sleep(0.1)
            # The first keys after a reconnection may be lost.
            client.screen.key("ctrl+c")
        client.screen.picture().save(KEPT / "desktop.png")
        raise AssertionError(f"{command} printed nothing; the screen is in {KEPT}")

    def session_of(self, who):
        """The one session of somebody that the server was told of."""
        found = [one for one in self.server.sessions.values() if one["objectId"] == who]
        assert len(found) <= 1
        return found[0] if found else None

    def processes(self, who):
        return desktops.processes_of(self.machine, self.server.accounts[who]["uid"])


@pytest.fixture(scope="module")
def host(place, folder):
    def furnish(machine):
        desktops.start_xrdp(machine)
        desktops.add_local_user(machine, "lola", desktops.LOCAL_PASSWORD)

    made = Host(place, "desk", HOST, 8080, folder, furnish)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def stale(host):
    """A credential that nobody has used for a minute, by the time the last test looks."""
    who = host.server.add("tara@contoso.example", 40)
    return (*host.credential(who), time.monotonic())


@pytest.fixture(scope="module")
def alice(host, stale):
    return host.server.add("alice@contoso.example", 1, administrator=True)


@pytest.fixture(scope="module")
def bob(host):
    return host.server.add("bob@contoso.example", 2)


def test_the_machine_reports_its_desktop_service(host):
    certificate = desktops.fingerprint(host.machine, "/etc/xrdp/lab-cert.pem")
    assert host.server.status["desktop"] == {"port": 3389, "certificate": certificate, "product": "xrdp"}
    assert "FAIL" not in host.machine.run("sally-agent doctor | grep -i -e xrdp -e password", check=False)


def test_an_administrator_gets_the_desktop_with_home_groups_and_sudo(host, alice):
    user, password = host.credential(alice)
    assert user == "alice@contoso.example" and len(password) >= 32
    with host.desktop(user, password) as client:
        said = host.says(client, "id -un; id -u; pwd; sudo -n id -u")
        uid = str(host.server.accounts[alice]["uid"])
        assert said.split() == [user, uid, "/home/alice@contoso.example", "0"]
        assert host.session_of(alice)["keyId"].startswith("desktop ")
        assert host.session_of(alice)["administrator"] is True
        question = host.server.questions[-1]
        assert question["service"] == "xrdp-sesman" and question["objectId"] == alice
    assert host.is_refused(user, password), "a second time"


def test_a_new_secret_leads_back_to_the_same_desktop(host, alice):
    def shell_s_number():
        with host.desktop(*host.credential(alice)) as client:
            return host.says(client, "echo $PPID")

    session = host.session_of(alice)["session"]
    assert shell_s_number() == shell_s_number() != ""
    assert host.session_of(alice)["session"] == session


def test_a_user_gets_a_desktop_without_sudo(host, bob):
    with host.desktop(*host.credential(bob)) as client:
        assert host.says(client, "id -un; sudo -n true || echo no-sudo").split()[-1] == "no-sudo"


def test_several_secrets_of_one_person_are_good_side_by_side(host, bob):
    first, second = host.credential(bob), host.credential(bob)
    assert first != second
    for one in (second, first):
        with host.desktop(*one):
            pass


def test_somebody_else_s_secret_and_no_secret_are_refused(host, alice, bob):
    user, password = host.credential(alice)
    assert host.is_refused(host.server.accounts[bob]["name"], password)
    assert host.is_refused(user, "guess")


def test_what_is_decided_last_is_decided_on_the_machine(host):
    """The secret is good, but the server says no when the machine asks."""
    who = host.server.add("nora@contoso.example", 5)
    user, password = host.credential(who)
    host.server.refused[who] = "policy"
    assert host.is_refused(user, password)


def test_local_people_sign_in_with_their_local_passwords(host):
    with host.desktop("lola", desktops.LOCAL_PASSWORD) as client:
        assert host.says(client, "id -un; echo $SALLYPORT_SESSION") == "lola"
    assert host.is_refused("lola", "wrong")
    host.machine.run("useradd", "--badname", "-m", "-s", "/bin/bash", "lena@local.test")
    host.machine.run("chpasswd", text=f"lena@local.test:{desktops.LOCAL_PASSWORD}\n")
    with host.desktop("lena@local.test", desktops.LOCAL_PASSWORD) as client:
        assert host.says(client, "id -un") == "lena@local.test"
    host.machine.run("pkill -KILL -u lena@local.test; sleep 0.5; userdel -r lena@local.test", check=False)


@pytest.mark.parametrize("way", ["role", "order"])
def test_a_desktop_ends_with_everything_in_it(host, way):
    number = {"role": 6, "order": 7}[way]
    who = host.server.add(f"gina{number}@contoso.example", number, administrator=True)
    with host.desktop(*host.credential(who)) as client:
        host.says(client, "setsid nohup env -i sleep 4321 </dev/null >/dev/null 2>&1 & sleep 0.3")
        running = host.processes(who)
        assert {"Xvnc", "xterm", "xrdp-chansrv", "sleep"} <= set(running), running
        uid, session = host.server.accounts[who]["uid"], host.session_of(who)["session"]
        if way == "role":
            host.server.remove(who)
        else:
            host.server.end(session=session)
        took = host.server.wait_for(lambda: session not in host.server.sessions, LIMIT + 3, "the session ended")
        assert took <= LIMIT, f"{took:.2f} s"
        eventually(lambda: not desktops.processes_of(host.machine, uid), 3, "nothing is left")
        client.wait_for_end(10)
    host.machine.wait_for("ss -Hltn 'sport = :3350' | grep -q .", 2)


def test_a_restarted_agent_still_ends_the_desktop(host):
    who = host.server.add("hugo@contoso.example", 8)
    with host.desktop(*host.credential(who)):
        uid = host.server.accounts[who]["uid"]
        host.machine.end_service("sally-agent")
        eventually(lambda: "sally-agent" not in host.machine.run("ps -eo comm="), 5, "the agent ended")
        programs.start_agent(host.machine)
        host.server.remove(who)
        eventually(lambda: not desktops.processes_of(host.machine, uid), LIMIT + 1, "nothing is left")


def test_a_secret_is_worth_nothing_after_a_minute(host, stale):
    user, password, made = stale
    time.sleep(max(0, made + 61 - time.monotonic()))
    assert host.is_refused(user, password)


def test_no_secret_is_written_down_anywhere(host):
    """In no log, no file of the machine that was written since it began, and no command line."""
    patterns = "\n".join(host.issued)
    host.machine.write("/dev/shm/issued", patterns, 0o600)
    places = "/var/log /etc /run /var/lib /home /tmp /root"
    found = host.machine.run(f"grep -rlFf /dev/shm/issued {places} 2>/dev/null", check=False)
    lines = host.machine.run("cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'", check=False)
    host.machine.run("rm /dev/shm/issued")
    assert not found.strip(), found
    assert not any(password in lines for password in host.issued)


def test_leaving_puts_everything_back(host):
    who = host.server.add("zoe@contoso.example", 9)
    with host.desktop(*host.credential(who)) as client:
        uid = host.server.accounts[who]["uid"]
        host.machine.run("sally-agent leave")
        client.wait_for_end(10)
    assert not desktops.processes_of(host.machine, uid)
    assert host.files() == host.before
    with host.desktop("lola", desktops.LOCAL_PASSWORD) as client:
        assert host.says(client, "id -un") == "lola"


# The stand-in for a Windows host: no PAM, passwords are set by a program


@pytest.fixture(scope="module")
def other(place, folder):
    def furnish(machine):
        desktops.start_shadow(machine)
        return desktops.shadow_settings()

    made = Host(place, "desk2", OTHER, 8081, folder, furnish)
    yield made
    made.stop()


def test_where_there_is_no_pam_a_program_sets_the_password_and_takes_it_back(other):
    certificate = desktops.fingerprint(other.machine, desktops.shadow_certificate())
    assert other.server.status["desktop"] == {"port": 3389, "certificate": certificate, "product": "freerdp-shadow"}
    who = other.server.add("alice@contoso.example", 1)
    answers = [other.server.prepare(who), other.server.prepare(who)]
    assert answers[0]["password"] == answers[1]["password"], "one account has one password at a time"
    with other.desktop(answers[0]["user"], answers[0]["password"], desktops.SHADOW_COLOUR):
        pass
    other.server.settle(answers[0])
    with other.desktop(answers[1]["user"], answers[1]["password"], desktops.SHADOW_COLOUR):
        pass
    other.server.settle(answers[1])
    eventually(lambda: other.machine.read(desktops.SAM) == "\n", 5, "the password is taken back")
    again = other.server.prepare(who)
    assert again["password"] != answers[0]["password"]
    other.machine.end_service("sally-agent")
    eventually(lambda: other.machine.read(desktops.SAM).strip() == "", 5, "an agent that ends takes it back")
