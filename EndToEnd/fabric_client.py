"""The privileged service that makes machines, and its protocol spoken by hand: the part that the server plays."""

import contextlib
import errno
import json
import os
import select
import signal
import socket
import struct
import time
from pathlib import Path

from lab import programs, shell

SUBSCRIPTION = "/subscriptions/5a11b0a7-7e57-4c0a-8d0e-3f6d0c0a0002"
# Runs beside each other have records of their own.
LAB = os.environ.get("SALLYPORT_LAB", "") + "fabric"


def network_path(name):
    return f"{SUBSCRIPTION}/resourceGroups/demo/providers/Microsoft.Network/virtualNetworks/{name}"


def machine_path(name):
    return f"{SUBSCRIPTION}/resourceGroups/demo/providers/Microsoft.Compute/virtualMachines/{name}"


class Refused(Exception):
    """The service said no; `code` is why."""

    def __init__(self, answer):
        super().__init__(f"{answer['code']}: {answer['shown']}")
        self.code = answer["code"]


class Fabric:
    """A running `sallyport fabric` with a data directory of its own."""

    def __init__(self, folder, port):
        self.data = Path(folder) / "data"
        self.data.mkdir(mode=0o700)
        self.port = port
        self.log = Path(folder) / "fabric.log"
        self.socket = self.data / "fabric.sock"
        #: Where the service writes down what is there.
        self.state_folder = self.data / "fabric"
        self._process = None
        self._record = f"service-{port}"
        self._names = set()

    def kept(self, name=""):
        """A file or folder of what the service has written down."""
        return shell.host_path(self.state_folder / name)

    def command(self, *arguments):
        line = [programs.program("sallyport"), "fabric", "--data", self.data, "--server-port", self.port]
        if self.state_folder != self.data / "fabric":
            line += ["--state", self.state_folder]
        return [*map(str, line), *arguments]

    def start(self):
        self._process = shell.start(self.command(), self.log)
        shell.remember(LAB, self._record, self._process.pid)
        deadline = time.monotonic() + 60
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise shell.CommandFailed(self.log.read_text())
            time.sleep(0.02)
        return self

    def _answers(self):
        try:
            self.ask(kind="watch")
        except OSError:
            return False
        return True

    def stop(self, number=signal.SIGTERM):
        shell.end(LAB, self._record, number)
        self._note_names()

    def clean(self):
        self.stop()
        shell.run(*self.command("--clean"))
        with contextlib.suppress(OSError):
            (shell.STATE / LAB).rmdir()

    def ask(self, **request):
        """One order and its answer; raises `Refused`."""
        answer, descriptors = self._exchange(request)
        self._note_names()
        for each in descriptors:
            os.close(each)
        return answer.get("snapshot")

    def connect(self, address, port, network, seconds=5):
        """A connection from inside a network."""
        answer, descriptors = self._exchange(
            {"kind": "connect", "path": network_path(network), "address": address, "port": port}
        )
        (descriptor,) = descriptors
        connection = socket.socket(fileno=descriptor)
        # The service begins it and does not wait for its end.
        _, ready, _ = select.select([], [connection], [], seconds)
        failure = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) if ready else errno.ETIMEDOUT
        if failure:
            connection.close()
            raise OSError(failure, os.strerror(failure))
        connection.settimeout(seconds)
        return connection

    def _exchange(self, request):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(150)
            connection.connect(str(self.socket))
            body = json.dumps(request).encode()
            connection.sendall(struct.pack(">I", len(body)) + body)
            head, descriptors, _, _ = socket.recv_fds(connection, 4, 1)
            if len(head) < 4:
                raise ConnectionResetError("the service ended without an answer")
            (count,) = struct.unpack(">I", head)
            data = b""
            while len(data) < count:
                piece = connection.recv(count - len(data))
                if not piece:
                    raise ConnectionResetError("the service ended in the middle of an answer")
                data += piece
        answer = json.loads(data)
        if answer.get("code"):
            raise Refused(answer)
        return answer, descriptors

    def network(self, name, prefix="10.0.0.0/24", more=()):
        subnets = [{"name": "default", "prefix": prefix}, *more]
        return self.ask(kind="putNetwork", network={"path": network_path(name), "subnets": subnets})

    def machine(self, name, network, address, **more):
        interface = {"network": network_path(network), "subnet": "default", "address": address, "inbound": []}
        interface |= more.pop("interface", {})
        order = {
            "path": machine_path(name),
            "image": "bookworm",
            "hostName": name,
            "interfaces": [interface],
            "customData": "",
            **more,
        }
        return self.ask(kind="putMachine", machine=order)

    def perform(self, action, name):
        return self.ask(kind="perform", path=machine_path(name), action=action)

    def state(self, name):
        machines = {each["path"]: each["state"] for each in self.ask(kind="watch")["machines"]}
        return machines.get(machine_path(name))

    def record(self, name):
        for file in self.kept("machines").glob("*/machine.json"):
            record = json.loads(file.read_text())
            if record["path"] == machine_path(name):
                return record
        return None

    def inside(self, name, *arguments, check=True, text=None):
        """Runs a command in a machine as root of the box, without the machine's limits."""
        pid = self.record(name)["process"]["number"]
        line = ["nsenter", "-t", str(pid), "-m", "-u", "-i", "-n", "-p", "-r", "-w", "--", "env", "-i"]
        line += ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", *arguments]
        return shell.run(*line, check=check, text=text)

    def _note_names(self):
        """Others may have a fabric on this box too: what is of this one is told by the numbers that it drew."""
        with contextlib.suppress(OSError):
            self._names |= {each.stem for each in self.kept("networks").iterdir()}
            self._names |= {each.name for each in self.kept("machines").iterdir()}
            self._names.add(self.kept("table").read_text())

    def leftovers(self):
        """What is there of this fabric on the box, but for its files."""
        self._note_names()
        found = [line.split(" ")[0] for line in shell.run("ip", "netns", "list").splitlines()]
        found += [line.split(":")[1].strip().split("@")[0] for line in shell.run("ip", "-o", "link").splitlines()]
        found += shell.run("nft", "list", "tables").splitlines()
        found += [str(path) for path in Path("/sys/fs/cgroup").glob("**/sallyport-*")]
        found = [each for each in found if any(name in each for name in self._names)]
        found += [line for line in shell.run("cat", "/proc/self/mounts").splitlines() if f"{self.data}/" in line]
        return sorted(found)
