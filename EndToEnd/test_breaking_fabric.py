"""The fabric ended in the middle of its work, and without room on its disk: nothing half-made stays."""

import os
import shutil
import signal
import tempfile
import threading
import time
from pathlib import Path

import fabric_client
import pytest
from fabric_client import Refused

from lab import shell

PORT = 28453


@pytest.fixture(scope="module")
def fabric():
    folder = tempfile.mkdtemp(prefix="sallyport-fabric-")
    made = fabric_client.Fabric(folder, PORT)
    before = made.leftovers()
    try:
        yield made.start()
        made.clean()
        assert made.leftovers() == before
        assert worlds(made) == set()
    finally:
        if made.kept().exists():
            made.clean()
        shutil.rmtree(folder, ignore_errors=True)


def process_spaces(machine):
    """The namespaces of process numbers in which a machine's disk is the root: as many as there are runs of it."""
    found = set()
    for place in Path("/proc").glob("[0-9]*/mountinfo"):
        try:
            if f"/{machine}/disk/upper" in place.read_text():
                found.add(os.readlink(place.parent / "ns" / "pid"))
        except OSError:
            continue
    # The launcher sees the disk too, and waits outside.
    return found - {os.readlink("/proc/self/ns/pid")}


def worlds(fabric):
    """Ids of the machines that have processes, whatever the service believes."""
    mark = f"upperdir={fabric.state_folder}/machines/"
    found = set()
    for place in Path("/proc").glob("[0-9]*/mountinfo"):
        try:
            text = place.read_text()
        except OSError:
            continue
        found |= {part.split("/")[0] for part in text.split(mark)[1:]}
    return found


def killed(fabric, seconds, work):
    """Does something that the service dies of `seconds` after its beginning, and starts the service again."""
    done = threading.Event()

    def run():
        try:
            work()
            done.set()
        except (OSError, Refused, ValueError):
            pass

    thread = threading.Thread(target=run)
    thread.start()
    time.sleep(seconds)
    fabric.stop(signal.SIGKILL)
    thread.join(30)
    fabric.start()
    return done.is_set()


def folders(fabric):
    return {each.name for each in fabric.kept("machines").iterdir()}


@pytest.mark.parametrize("seconds", [0.01, 0.03, 0.06, 0.1, 0.15, 0.25, 0.4, 0.7, 1.2])
def test_a_machine_is_made_whole_or_not_at_all(fabric, seconds):
    fabric.network("red")
    before = fabric.leftovers()
    was_answered = killed(fabric, seconds, lambda: fabric.machine("half", "red", "10.0.0.9"))
    record = fabric.record("half")
    assert record or not was_answered
    if record:
        assert (fabric.state("half"), record.get("step")) == ("running", None)
        assert fabric.inside("half", "hostname").strip() == "half"
    assert worlds(fabric) == folders(fabric) == ({record["id"]} if record else set())
    # The order is given again, as the server does, and is carried out in full.
    fabric.machine("half", "red", "10.0.0.9")
    assert fabric.inside("half", "hostname").strip() == "half"
    fabric.perform("delete", "half")
    assert fabric.leftovers() == before
    assert worlds(fabric) == folders(fabric) == set()


@pytest.mark.parametrize("seconds", [0.02, 0.1, 0.3, 0.6])
def test_a_machine_being_started_runs_once_afterwards(fabric, seconds):
    fabric.network("red")
    fabric.machine("again", "red", "10.0.0.10")
    fabric.perform("kill", "again")
    killed(fabric, seconds, lambda: fabric.perform("start", "again"))
    fabric.perform("start", "again")
    assert len(process_spaces(fabric.record("again")["id"])) == 1
    assert fabric.inside("again", "hostname").strip() == "again"
    fabric.perform("delete", "again")


@pytest.mark.parametrize("seconds", [0.01, 0.05, 0.2, 3.2])
def test_a_machine_being_removed_is_gone_or_whole(fabric, seconds):
    fabric.network("red")
    fabric.machine("going", "red", "10.0.0.11")
    killed(fabric, seconds, lambda: fabric.perform("delete", "going"))
    if fabric.record("going"):
        assert fabric.state("going") == "running"
    fabric.perform("delete", "going")
    assert worlds(fabric) == folders(fabric) == set()


@pytest.mark.parametrize("seconds", [0.005, 0.02, 0.04, 0.08])
def test_a_network_is_made_whole_or_not_at_all(fabric, seconds):
    before = fabric.leftovers()
    killed(fabric, seconds, lambda: fabric.network("brief", more=[{"name": "other", "prefix": "10.0.1.0/24"}]))
    fabric.network("brief", more=[{"name": "other", "prefix": "10.0.1.0/24"}])
    name = next(each for each in set(fabric.leftovers()) - set(before) if each.startswith("spf-"))
    assert "10.0.1.1/24" in shell.run("ip", "netns", "exec", name, "ip", "-4", "address")
    killed(fabric, seconds, lambda: fabric.ask(kind="removeNetwork", path=fabric_client.network_path("brief")))
    fabric.ask(kind="removeNetwork", path=fabric_client.network_path("brief"))
    assert fabric.leftovers() == before


def test_a_full_disk_is_said_and_what_lies_on_it_can_be_removed(tmp_path_factory):
    folder = Path(tempfile.mkdtemp(prefix="sallyport-fabric-"))
    small = folder / "small"
    small.mkdir(mode=0o700)
    shell.run("mount", "-t", "tmpfs", "-o", "size=600m,mode=0700", "tmpfs", small)
    made = fabric_client.Fabric(folder, PORT + 1)
    made.state_folder = small / "state"
    before = made.leftovers()
    try:
        made.start()
        made.network("red")
        made.machine("one", "red", "10.0.0.4")
        filler = shell.host_path(small / "filler")
        with open(filler, "wb") as file, pytest.raises(OSError, match="No space"):
            for _ in range(600):
                file.write(bytes(1 << 20))
        with pytest.raises(Refused, match="disk of the box .* is full") as refused:
            made.machine("two", "red", "10.0.0.5")
        assert refused.value.code == "AllocationFailed"
        with pytest.raises(Refused, match="disk of the box .* is full"):
            made.network("blue")
        assert made.state("one") == "running"
        # A service that has to start on the full disk finds what is there.
        made.stop(signal.SIGKILL)
        made.start()
        assert made.inside("one", "hostname").strip() == "one"
        made.perform("delete", "one")
        assert worlds(made) == folders(made) == set()
        filler.unlink()
        made.machine("two", "red", "10.0.0.5")
        made.clean()
        assert made.leftovers() == before
    finally:
        if made.kept().exists():
            made.clean()
        shell.run("umount", "-l", small)
        shutil.rmtree(folder, ignore_errors=True)
