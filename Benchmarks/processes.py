"""Programs under measurement: where they are, what they have used, whether they listen."""

import contextlib
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
#: All that is measured, by the names under which SwiftPM builds it.
PRODUCTS = ("tunnel-relay", "certificate-speed", "access-decisions", "sallyport", "sally", "sally-agent")
FIRST_PORT = 9650


class Missing(Exception):
    """Something that a measurement needs is not here; the text says what."""


def program(folder, name):
    """The path of a built program."""
    path = Path(folder).resolve() / name
    if not path.exists():
        raise Missing(f"{path} is not built")
    return str(path)


def tool(name):
    """The path of a program of the system, also where only administrators look."""
    path = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if not path:
        raise Missing(f"{name} is not installed")
    return path


def processor_seconds(pid):
    """CPU seconds of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(pid):
    """Resident memory of a process in KiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


@contextlib.contextmanager
def first_in_line():
    """While it lasts, what is started here runs before other work of the machine, if we may decide that.

    Otherwise milliseconds on a busy machine are mostly time spent waiting for a core.
    """
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(10))
    except OSError:
        yield
        return
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def free_port():
    """A loopback port where nobody listens."""
    for port in range(FIRST_PORT, FIRST_PORT + 300):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise Missing("a free port on the loopback interface")


def wait_for(port, process):
    """Waits until a process listens on a loopback port."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise Missing(f"an answer on port {port}: {process.args[0]} did not come up")


def end(process):
    """Asks a process to end and waits for it."""
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def make_certificate(folder):
    """A key and a self-signed certificate for localhost: certificate.pem and key.pem."""
    line = [tool("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    line += ["-days", "2", "-subj", "/CN=localhost", "-keyout", folder / "key.pem", "-out", folder / "certificate.pem"]
    subprocess.run(line, check=True, capture_output=True)
