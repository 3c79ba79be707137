"""Runs commands as the host sees the world, even after the tests have moved into the clients' network."""

import contextlib
import os
import shlex
import signal
import subprocess
import time
from pathlib import Path

#: Where running labs write down what they made, so that a later process can take it away.
STATE = Path("/run/sallyport-lab")

# Opened at import, before anybody enters another namespace.
_HOST_NETWORK = os.open("/proc/self/ns/net", os.O_RDONLY)
_HOST_MOUNTS = os.open("/proc/self/ns/mnt", os.O_RDONLY)
_HOST_ROOT = os.open("/", os.O_PATH)


class CommandFailed(Exception):
    """A command of the lab itself ended badly; the text holds what it printed."""


def on_host(arguments):
    """The command line that runs `arguments` in the host's own namespaces."""
    return [
        "nsenter",
        f"--net=/proc/self/fd/{_HOST_NETWORK}",
        f"--mount=/proc/self/fd/{_HOST_MOUNTS}",
        "--",
        *map(str, arguments),
    ]


def host_files():
    """Descriptors that a child needs for `on_host`."""
    return (_HOST_NETWORK, _HOST_MOUNTS)


def host_path(path):
    """A file of the host for this process alone, through disks too that were mounted there after it had moved away."""
    return Path(f"/proc/self/fd/{_HOST_ROOT}{path}")


def host_network():
    """A path of the host's network namespace, for commands started by `run`."""
    return f"/proc/self/fd/{_HOST_NETWORK}"


def run(*arguments, check=True, text=None, timeout=120):
    """Runs a command on the host and returns what it printed."""
    done = subprocess.run(
        on_host(arguments),
        input=text,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
        pass_fds=host_files(),
    )
    if check and done.returncode != 0:
        raise CommandFailed(f"{shlex.join(map(str, arguments))}: exit {done.returncode}\n{done.stdout}")
    return done.stdout


def start(arguments, log, dies_with_parent=False, environment=None):
    """Starts a long-running command on the host, in a session of its own, writing to the file `log`."""
    line = on_host(arguments)
    if dies_with_parent:
        line = ["setpriv", "--pdeathsig", "KILL", "--", *line]
    with open(log, "ab") as output:
        return subprocess.Popen(
            line,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=environment,
            pass_fds=host_files(),
        )


def started_at(pid):
    """The kernel's start time of a process, which tells it from a later one with the same number; None when gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else fields[19]


def remember(lab, name, pid):
    """Writes down a process so that `lab.cleanup` finds it after a crash."""
    folder = STATE / lab
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.pid").write_text(f"{pid} {started_at(pid)}\n")


def end(lab, name, number=signal.SIGKILL, patience=5.0):
    """Ends a remembered process, if it is still the one we started, and waits until it is gone."""
    record = STATE / lab / f"{name}.pid"
    try:
        pid, when = record.read_text().split()
    except (OSError, ValueError):
        return
    deadline = time.monotonic() + patience
    while started_at(pid) == when:
        try:
            os.kill(int(pid), number)
        except ProcessLookupError:
            break
        pause = time.monotonic() + 0.5
        while started_at(pid) == when and time.monotonic() < pause:
            _reap(int(pid))
            time.sleep(0.01)
        if time.monotonic() > deadline:
            number = signal.SIGKILL
    record.unlink(missing_ok=True)


def _reap(pid):
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
