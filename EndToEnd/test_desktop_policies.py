"""What stands around a desktop: texts and messages, dead files, closed channels, other ports, restarts, secrets."""

import contextlib
import os
import re
import signal
import statistics
import threading
import time
from pathlib import Path

import pytest
from test_desktops import ask
from test_taking_away import assignment

from lab import desktops
from lab.freerdp import FreeRDP, Screen
from rds_aad import Browser
from sign_in import eventually
from windows_host import WindowsHost

COLOUR = desktops.XRDP_COLOUR
TRANSPORTS = ["/gt:http", "/gt:http,no-websockets"]
#: How often the cut-off is measured; more gives better figures, and takes a few seconds each.
TRIALS = int(os.environ.get("SALLYPORT_TRIALS", "2"))


@pytest.fixture(scope="module")
def screen():
    with Screen() as made:
        yield made


@pytest.fixture
def file(world, person, tmp_path):
    """file("alice"): the path of a fresh connection file for deskVM."""
    world.machine("deskVM")
    count = iter(range(100))

    def fetch(name="alice", machine="deskVM", **query):
        answer = ask(world, person(name), machine, **query)
        assert answer.status_code == 200, answer.text
        path = tmp_path / f"{next(count)}.rdp"
        path.write_bytes(answer.content)
        return path

    return fetch


@pytest.fixture
def desktop(world, screen, file):
    """desktop("alice", "/gt:http"): FreeRDP on a fresh file, for a `with`."""

    @contextlib.contextmanager
    def open_one(name="alice", *arguments, from_file=None, answer="", **query):
        path = from_file or file(name, **query)
        # What the client prints for people it prints at once only where people are.
        unbuffered = lambda line: ["stdbuf", "-oL", *line]
        how = {"file": path, "authority": world.server.authority, "answer": answer, "inside": unbuffered}
        with FreeRDP(screen, *arguments, **how) as client:
            yield client

    return open_one


# Files that open nothing any more


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_saved_file_says_what_to_do_when_its_token_is_dead(world, desktop, file, transport):
    path = file()
    with desktop("alice", transport, from_file=path) as client:
        client.wait_for_colour(COLOUR)
    with desktop("alice", transport, from_file=path) as client:
        assert client.wait_for_end(20) != 0
        assert "used before" in client.output
        assert f"--target-resource-id {world.path('deskVM')}" in client.output
        assert "E_PROXY_COOKIE_AUTHENTICATION_ACCESS_DENIED" in client.errors


# Names, ports and addresses


def test_another_port_works_on_standard_and_is_refused_with_the_reason_on_basic(world, person, desktop):
    machine = world.machine("deskVM")
    machine.serve("other-port", "socat", "TCP-LISTEN:3390,fork,reuseaddr", "TCP:127.0.0.1:3389")
    machine.wait_for("ss -Hltn 'sport = :3390' | grep -q .", 10)
    with desktop("alice", rdpport=3390) as client:
        client.wait_for_colour(COLOUR)
    machine.end_service("other-port")
    island = world.path("islandVM", "other")
    answer = person("alice").bastion("basic-bastion", "other").ask(island, 3390, strict=True)
    assert answer.status_code == 403 and "Standard" in answer.json()["message"], answer.text


def test_an_address_opens_a_desktop_with_a_password_and_none_with_a_web_account(world, person, screen, file):
    def address(last):
        return f"{world.group()}/providers/Microsoft.Network/bh-hostConnect/10.77.0.{last}"

    path = file(resourceId=address(41), enablerdsaad="False")
    with FreeRDP(screen, "/u:lola", file=path, password=desktops.LOCAL_PASSWORD) as client:
        client.wait_for_colour(COLOUR)
    answer = ask(world, person("alice"), "deskVM", resourceId=address(99), enablerdsaad="True")
    assert answer.status_code in (403, 409) and answer.json()["message"]


def test_two_machines_of_one_name_are_refused_a_web_account(world, person, file):
    file()
    try:
        WindowsHost(world, "winPC", "deskvm")
        answer = ask(world, person("alice"), "deskVM")
        assert answer.status_code == 409 and "winPC" in answer.json()["message"], answer.text
        page = Browser(world.url, world.server.authority).sign_in("deskvm", world.upn("carol"), world.password("carol"))
        assert page.code is None and "Several machines call themselves 'deskvm'" in page.text
    finally:
        WindowsHost(world, "winPC", "winpc")
    assert ask(world, person("alice"), "deskVM").status_code == 200


# Hosts that do not answer


@pytest.mark.parametrize(
    ("machine", "group", "bastion"), [("bareVM", "demo", "demo-bastion"), ("islandVM", "other", "basic-bastion")]
)
def test_a_local_client_ends_when_there_is_no_tunnel_for_it(world, person, screen, machine, group, bastion):
    """As with `az network bastion tunnel`, which tells nobody behind its local port that the far end was refused."""
    far = person("alice").bastion(bastion, group)
    with far.tunnel(world.path(machine, group), 3389, forgetful=True) as tunnel:
        line = [f"/v:127.0.0.1:{tunnel.port}", "/u:lola"]
        with FreeRDP(screen, *line, password=desktops.LOCAL_PASSWORD) as client:
            assert client.wait_for_end(30) != 0
            assert "INCONSISTENT_FLAGS" in client.output and not tunnel.errors, client.output


def test_a_service_that_hangs_is_given_up_before_the_client_does_and_the_reason_is_said(world, desktop):
    machine = world.machine("deskVM")
    machine.run("pkill -STOP -x xrdp")
    try:
        with desktop("alice") as client:
            assert client.wait_for_end(30) != 0
            assert "did not answer in time" in client.output and "used before" not in client.output, client.output
    finally:
        machine.run("pkill -CONT -x xrdp")


def test_a_port_where_nothing_listens_is_said_in_words(desktop):
    with desktop("alice", rdpport=3399) as client:
        assert client.wait_for_end(30) != 0
        assert "Nothing answers at port 3399" in client.output, client.output
        assert "E_PROXY_TS_CONNECTFAILED" in client.errors


# Side channels


@pytest.fixture
def close_clipboard(world, person):
    """close_clipboard(True): the bastion host's `disableCopyPaste`, which is off again at the end."""
    arm = person("admin").arm
    bastion = arm.get(world.bastion(), "2024-01-01")

    def close(value):
        body = {**bastion, "properties": {**bastion["properties"], "disableCopyPaste": value}}
        answer = arm.send("PUT", world.bastion(), "2024-01-01", body)
        assert answer.status_code in (200, 201, 202), answer.text
        is_closed = lambda: arm.get(world.bastion(), "2024-01-01")["properties"]["disableCopyPaste"] is value
        eventually(is_closed, 10, "the bastion host took it")

    yield close
    close(False)


def test_where_the_clipboard_is_closed_no_desktop_opens_by_a_password(world, person, screen, file, close_clipboard):
    before = file(enablerdsaad="False")
    close_clipboard(True)
    # A new file is refused with the reason, one from before at the gateway, and a tunnel at its first message.
    answer = ask(world, person("alice"), "deskVM", enablerdsaad="False")
    assert answer.status_code == 403, answer.text
    assert "disableCopyPaste" in answer.json()["message"] and "organisation's account" in answer.json()["message"]
    with FreeRDP(screen, "/u:lola", file=before, password=desktops.LOCAL_PASSWORD) as client:
        assert client.wait_for_end(20) != 0
        assert "disableCopyPaste" in client.output, client.output
    with person("alice").bastion().tunnel(world.path("deskVM"), 3389) as tunnel:
        line = [f"/v:127.0.0.1:{tunnel.port}", "/u:lola"]
        with FreeRDP(screen, *line, password=desktops.LOCAL_PASSWORD) as client:
            assert client.wait_for_end(20) != 0
            assert "Protocol Security Negotiation Failure" in client.output, client.output
    # The organisation's account is none of its business.
    assert ask(world, person("alice"), "deskVM").status_code == 200


def test_the_clipboard_is_closed_by_the_bastion_host_for_whoever_connects_next(world, desktop, close_clipboard):
    machine = world.machine("deskVM")

    def log_at(level):
        machine.end_service("xrdp-run")
        machine.run(f"sed -i s/^LogLevel=.*/LogLevel={level}/ /etc/xrdp/xrdp.ini")
        machine.wait_for("! ss -Hltn 'sport = :3389' | grep -q .", 10)
        machine.serve("xrdp-run", "/usr/sbin/xrdp", "-n", "-c", "/etc/xrdp/xrdp.ini")
        machine.wait_for("ss -Hltn 'sport = :3389' | grep -q .", 10)

    def channels():
        before = len(machine.log("xrdp"))
        with desktop("alice", "+clipboard") as client:
            client.wait_for_colour(COLOUR)
            return machine.log("xrdp")[before:]

    log_at("DEBUG")
    try:
        assert "cliprdr" in channels()
        close_clipboard(True)
        seen = channels()
        assert "cliprdr" not in seen and "rdpdr" in seen, seen
    finally:
        log_at("INFO")


# Taking away


def test_how_fast_a_desktop_goes_with_the_role(world, person, desktop):
    taken, times = assignment(person, world, "hugo"), []
    body = {"properties": {k: taken["properties"][k] for k in ("roleDefinitionId", "principalId", "principalType")}}
    for _ in range(TRIALS):
        with desktop("hugo") as client:
            client.wait_for_colour(COLOUR)
            began = time.monotonic()
            person("admin").arm.send("DELETE", taken["id"], "2022-04-01")
            eventually(lambda: not client.is_running(), 10, "the client ended")
            times.append(time.monotonic() - began)
        person("admin").arm.send("PUT", taken["id"], "2022-04-01", body)
    print(f"desktop gone after {statistics.median(times):.2f} s (p50), {max(times):.2f} s (max) of {TRIALS}")


# Secrets


class Watch:
    """Notes every process's command line and environment while it runs."""

    def __init__(self):
        self.seen = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def _look(self):
        while not self._stop.wait(0.005):
            for process in Path("/proc").glob("[0-9]*"):
                for part in ("cmdline", "environ"):
                    with contextlib.suppress(OSError):
                        self.seen.add((process / part).read_bytes())


def test_the_one_time_password_is_nowhere_to_be_seen(world, desktop):
    machine = world.machine("deskVM")
    service = "/etc/pam.d/xrdp-sesman"
    before = machine.read(service)
    # PAM itself tells what the password was; it comes with a zero byte at its end.
    machine.write("/usr/local/sbin/keep", "#!/bin/sh\ncat >>/dev/shm/kept\necho >>/dev/shm/kept\n", 0o755)
    machine.write(service, f"auth optional pam_exec.so expose_authtok quiet /usr/local/sbin/keep\n{before}")
    try:
        with Watch() as watch, desktop("bob") as client:
            client.wait_for_colour(COLOUR)
        kept = machine.read("/dev/shm/kept").replace("\0", "").split()
    finally:
        machine.write(service, before)
        machine.run("rm -f /dev/shm/kept /usr/local/sbin/keep")
    assert kept and all(re.fullmatch(r"[\w-]{32}", one) for one in kept)
    assert len(watch.seen) > 20
    for secret in kept:
        assert not any(secret.encode() in text for text in watch.seen), "in a process list or an environment"
        for where, text in world.logs().items():
            assert secret not in text, where
        places = "/etc /home /root /run /tmp /var/log /var/lib/sallyport /dev/shm"
        found = machine.run(f"grep -rlFs --devices=skip -e '{secret}' {places} || true", timeout=30)
        assert not found.strip(), found
        for place in world.folder.rglob("*"):
            assert not place.is_file() or secret.encode() not in place.read_bytes(), place


# The server goes and comes back, with texts of the operator's


@pytest.fixture
def restart(world):
    """restart(signal, "desktop-message"="…"): the server again, with settings of this test's."""

    def again(number=signal.SIGTERM, **settings):
        if world.server.is_running():
            world.server.stop(number)
        names = {f"SALLYPORT_SERVE_{name.upper()}": value for name, value in settings.items()}
        world.server.start({**os.environ, **names} if names else None)
        world.machine("deskVM").wait_for("sally-agent status", 30)

    return again


def desktops_of(world, name):
    """The process numbers of somebody's X servers on deskVM."""
    lines = world.machine("deskVM").run("ps", "-eo", "pid,user:40,comm").splitlines()
    return [line.split()[0] for line in lines if world.upn(name) in line and "Xvnc" in line]


def test_a_server_that_stops_says_so_and_the_desktop_waits_for_the_next_file(world, desktop, restart):
    for number in (signal.SIGTERM, signal.SIGKILL):
        with desktop("alice") as client:
            client.wait_for_colour(COLOUR)
            there = desktops_of(world, "alice")
            assert len(there) == 1
            world.server.stop(number)
            try:
                assert client.wait_for_end(20) != 0
                assert number == signal.SIGKILL or "stopping" in client.output, client.output
            finally:
                restart()
        assert desktops_of(world, "alice") == there
    with desktop("alice") as client:
        client.wait_for_colour(COLOUR)
        assert desktops_of(world, "alice") == there


def test_a_file_for_a_web_account_needs_none_in_the_client_where_the_operator_says_so(world, desktop, file, restart):
    """mstsc, which `az network bastion rdp --enable-mfa` starts, takes web accounts from Microsoft's authority only."""
    assert "enablerdsaadauth:i:1" in file().read_text()
    restart(desktop_web_account="false")
    try:
        text = file().read_text()
        assert "enablerdsaadauth:i:0" in text and "enablecredsspsupport:i:0" in text
        with desktop("alice") as client:
            client.wait_for_colour(COLOUR)
    finally:
        restart()


def test_a_text_is_agreed_to_and_a_message_is_shown(world, desktop, restart):
    restart(desktop_consent="Only for work.", desktop_message="Maintenance at noon.")
    try:
        for transport in TRANSPORTS:
            with desktop("alice", transport, answer="Y\n") as client:
                client.wait_for_colour(COLOUR)
                eventually(lambda c=client: "Maintenance at noon." in c.output, 5, "the message was shown")
                assert "Only for work." in client.output
        for answer in ("N\n", ""):
            with desktop("alice", answer=answer) as client:
                assert client.wait_for_end(20) != 0
                assert "Only for work." in client.output and "Maintenance" not in client.output
    finally:
        restart()
