"""Damaged files, a full disk, a clock that is wrong: on a second server with its own data, and no other suffers."""

import os
import re
import shutil
import signal
import sqlite3
import subprocess
from pathlib import Path

import pytest
from test_breaking import run, straight

import people
from lab import programs, shell
from lab.machine import Machine
from sign_in import TokenEndpoint, eventually

PORT = 8443
HERE = Path(__file__).resolve().parent


class Spare:
    """A second server beside the lab's, and people who sign in to it. `world` for everything that takes one."""

    def __init__(self, world, folder):
        self.url = f"{world.url}:{PORT}"
        self.secrets, self.upn, self.password, self.path = world.secrets, world.upn, world.password, world.path
        names = ["sallyport.test", "10.78.0.1", "10.77.0.1", "127.0.0.1"]
        self.server_place = world.server_place
        self.server = programs.Server(
            world.network.lab, folder / "data", self.url, PORT, names, world.server_place, True, name="spare"
        )

    @property
    def store(self):
        return self.server.data / "sallyport.sqlite"

    def endpoint(self):
        return TokenEndpoint(self.url, self.server.authority, "contoso.example")

    def password_sign_in(self, name="bob"):
        return self.endpoint().password(self.upn(name), self.password(name))

    def starting(self):
        """What a start that is expected to fail prints, and its exit status."""
        line = [programs.program("sallyport"), "serve", "--data", self.server.data, "--port", PORT]
        line += ["--public-url", self.url]
        line = self.server_place.inside(line)
        return subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)


@pytest.fixture(scope="module")
def plan(world, tmp_path_factory):
    """Data as `sallyport apply` leaves it, made once and copied for each test."""
    made = Spare(world, tmp_path_factory.mktemp("plan"))
    made.server.apply(HERE / "world.yaml", world.secrets)
    made.server.start()
    made.server.stop()
    return made.server.data


@pytest.fixture
def spare(world, plan, tmp_path):
    """A second server, not started; ended after the test."""
    made = Spare(world, tmp_path)
    shutil.copytree(plan, made.server.data)
    yield made
    made.server.stop()


# The store's file


def test_a_damaged_last_page_is_said_at_the_start_and_a_backup_puts_it_right(spare, tmp_path):
    spare.server.start()
    backup = tmp_path / "backup.sqlite"
    spare.server.command("backup", backup)
    spare.server.stop()
    whole = spare.store.read_bytes()
    with open(spare.store, "r+b") as file:
        file.seek(-4096, os.SEEK_END)
        file.write(os.urandom(4096))
    damaged = spare.store.read_bytes()
    done = spare.starting()
    assert done.returncode != 0
    assert "damaged" in done.stderr and "backup" in done.stderr, done.stderr
    assert spare.store.read_bytes() == damaged, "nothing is made worse"
    assert whole != damaged
    for ending in ("", "-wal", "-shm"):
        Path(f"{spare.store}{ending}").unlink(missing_ok=True)
    shutil.copy(backup, spare.store)
    spare.server.start()
    assert spare.password_sign_in()["access_token"]


@pytest.mark.parametrize("left", ["sequence <= 3", "FALSE"])
def test_an_audit_without_its_end_is_broken_whatever_comes_later(spare, left):
    """Whoever can write to the store takes the newest entries away, or all, with the record of where they ended."""
    assert "is whole" in spare.server.command("audit", "verify")
    with sqlite3.connect(spare.store) as store:
        store.execute(f"DELETE FROM audit WHERE NOT ({left})")
        store.execute("DELETE FROM audit_head")
    store.close()
    spare.server.start()
    spare.password_sign_in()
    assert "bob@contoso.example" in spare.server.audit()
    with pytest.raises(shell.CommandFailed, match="The audit is broken at entry"):
        spare.server.command("audit", "verify")


def test_a_file_that_is_no_store_is_refused_and_left_alone(spare):
    spare.store.write_bytes(b"not a database, but somebody's only copy of something" * 100)
    done = spare.starting()
    assert done.returncode != 0 and "damaged" in done.stderr, done.stderr
    assert spare.store.read_bytes().startswith(b"not a database")


@pytest.mark.parametrize("left", [0.5, 0.999, 0])
def test_a_write_ahead_log_cut_short_loses_its_end_and_nothing_else(spare, left):
    spare.server.start()
    first = spare.password_sign_in()["refresh_token"]
    spare.server.stop()  # from here on `first` is in the main file
    spare.server.start()
    for _ in range(3):
        spare.password_sign_in()
    spare.server.stop(signal.SIGKILL)
    log = Path(f"{spare.store}-wal")
    assert log.stat().st_size > 0
    os.truncate(log, int(log.stat().st_size * left))
    spare.server.start()
    assert spare.endpoint().refresh(first)["access_token"]
    assert spare.password_sign_in()["access_token"]
    spare.server.stop()
    assert sqlite3.connect(spare.store).execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_garbage_at_the_end_of_the_log_is_not_believed(spare):
    spare.server.start()
    promised = spare.password_sign_in()["refresh_token"]
    spare.server.stop(signal.SIGKILL)
    with open(f"{spare.store}-wal", "ab") as log:
        log.write(os.urandom(4096 + 24))
    spare.server.start()
    assert spare.endpoint().refresh(promised)["access_token"]


def test_a_lost_sealing_key_is_said_and_not_replaced(spare):
    """A new one would make a server that looks well and opens none of its secrets."""
    (spare.server.data / "seal.key").unlink()
    done = spare.starting()
    assert done.returncode != 0 and "seal" in done.stderr, done.stderr
    assert not (spare.server.data / "seal.key").exists()


# The disk


@pytest.fixture
def small_disk(spare):
    """The spare server's data on a disk of 16 MB; gives a function that fills it and one that frees it."""
    data = spare.server.data
    aside = data.with_name("aside")
    data.rename(aside)
    data.mkdir()
    shell.run("mount", "-t", "tmpfs", "-o", "size=16m,mode=0700", "tmpfs", data)
    shell.run("cp", "-a", f"{aside}/.", data)
    ballast = data / "ballast"
    yield (
        lambda: shell.run("dd", "if=/dev/zero", f"of={ballast}", "bs=64k", check=False),
        lambda: shell.run("rm", ballast),
    )
    spare.server.stop()
    shell.run("umount", data)


def test_a_full_disk_is_said_and_everything_works_again_when_there_is_room(spare, small_disk):
    fill, free = small_disk
    authority = spare.server.data.with_name("aside") / "tls" / "ca.pem"
    # The disk is mounted where this process, in namespaces of its own, does not see it.
    spare.server.__class__ = type("Elsewhere", (programs.Server,), {"authority": authority})
    spare.server.start()
    promised = spare.password_sign_in()["refresh_token"]
    endpoint = spare.endpoint()
    pid = spare.server.pid
    fill()
    # What does not write goes on; what cannot be kept is not handed out.
    form = endpoint.user_form("password", endpoint.arm_scope, username=spare.upn("bob"), password=spare.password("bob"))
    answers = [endpoint.post(form) for _ in range(200)][-20:]
    assert {answer.status_code for answer in answers} <= {500, 503}, [answer.text for answer in answers][:2]
    assert all(answer.headers["content-type"].startswith("application/json") for answer in answers)
    assert not any("access_token" in answer.text for answer in answers)
    ready = endpoint.http.get(f"{spare.url}/readyz", timeout=10)
    assert ready.status_code == 503
    assert endpoint.http.get(f"{spare.url}/healthz", timeout=10).status_code == 200
    assert "takes no writes" in spare.server.log.read_text()
    free()
    eventually(lambda: endpoint.http.get(f"{spare.url}/readyz", timeout=10).status_code == 200, 15, "ready again")
    assert spare.endpoint().refresh(promised)["access_token"]
    assert spare.password_sign_in()["access_token"]
    assert spare.server.pid == pid and spare.server.is_running()


# The clock


def faked(offset):
    """The environment of a program that lives at another time, while waiting takes as long as ever."""
    library = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
    if not library:
        pytest.skip("libfaketime is not installed")
    if "TSAN_OPTIONS" in os.environ:
        pytest.skip("the sanitizer and libfaketime do not get on")
    return {**os.environ, "LD_PRELOAD": str(library), "FAKETIME": offset, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


@pytest.mark.parametrize("offset", ["-600", "+600"])
def test_a_clock_ten_minutes_off_is_named_and_lets_nobody_in_by_mistake(world, spare, offset):
    """It is the server's clock that is moved: a machine's would be off by as much the other way round."""
    spare.server.start()
    machine = Machine(world.network.lab, "clock", world.network, "10.77.0.61", dies_with_parent=True).start()
    try:
        machine.name_host("sallyport.test", "10.77.0.1")
        machine.start_sshd()
        programs.enrol(machine, spare.server, spare.path("vm13"), spare.url)
        alice, dave = (people.Person(spare, name, spare.server.data.parent) for name in ("alice", "dave"))
        line = straight(spare, alice, "id -un", address=machine.address)
        assert run(line).stdout.strip() == spare.upn("alice")
        spare.server.stop()
        spare.server.start(faked(offset))
        machine.wait_for("! sally-agent status", 10)
        said = machine.run("sally-agent", "doctor", check=False)
        way = "ahead of" if offset.startswith("-") else "behind"
        assert re.search(rf"FAIL the clock is right: (599|60.) s {way}", said), said
        eventually(lambda: "seconds " + way[:5] in machine.log("sally-agent"), 40, "the log says it too")
        # The machine decides from what it knew: who was let in still is, with a certificate of the right time.
        assert run(line).stdout.strip() == spare.upn("alice"), machine.log("sally-agent")[-2000:]
        done = run(straight(spare, dave, "echo got-in", address=machine.address))
        assert "got-in" not in done.stdout
        spare.server.stop()
        spare.server.start()
        machine.wait_for("sally-agent status", 40)
        assert "FAIL the clock" not in machine.run("sally-agent", "doctor", check=False)
    finally:
        machine.stop()
