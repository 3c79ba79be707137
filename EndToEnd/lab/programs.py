"""Starts Sallyport's own programs in a lab."""

import json
import os
import secrets
import signal
import socket
import subprocess
import time
from pathlib import Path

from . import shell
from .network import GATE_GROUP

REPOSITORY = Path(__file__).resolve().parents[2]
#: Where the bastion dials from, as machines see it.
RELAY_NETWORK = "10.77.0.1/32"
#: The people of the demo, by the name their password goes under.
PEOPLE = ("ADMIN", "ALICE", "BOB", "DAVE", "ERIN")


def program(name):
    """Where a built program is: SALLYPORT_PROGRAMS, or the debug build."""
    folder = Path(os.environ.get("SALLYPORT_PROGRAMS") or REPOSITORY / ".build" / "debug")
    path = folder / name
    if not path.exists():
        raise FileNotFoundError(f"{path} is not built; run `swift build --product {name}`")
    return path


def host_programs():
    """What a machine gets: the agent, statically linked if such a build is there, and its modules."""
    folder = Path(os.environ.get("SALLYPORT_HOST_PROGRAMS") or REPOSITORY / ".build" / "host")
    agent = folder / "sally-agent"
    files = {"/usr/sbin/sally-agent": agent if agent.exists() else program("sally-agent")}
    for module in ("libnss_sallyport.so.2", "pam_sallyport.so"):
        files[f"/usr/lib/sallyport/{module}"] = folder / module
    missing = [str(path) for path in files.values() if not path.exists()]
    if missing:
        raise FileNotFoundError(f"not built: {', '.join(missing)}; run Modules/build.sh")
    return files


def make_secrets(people=PEOPLE):
    """Fresh passwords and secrets, by environment variable."""
    made = {f"SALLYPORT_{name}_PASSWORD": "Aa1-" + secrets.token_urlsafe(18) for name in people}
    made["SALLYPORT_SP_SECRET"] = secrets.token_urlsafe(30)
    return made


class Server:
    """A running `sallyport serve` with a data folder of its own."""

    def __init__(self, lab, data, public_url, port, names, namespace=None, dies_with_parent=False, name="server"):
        self.lab = lab
        self.record = f"0-{name}"
        self.data = Path(data)
        self.public_url = public_url
        self.port = port
        self.names = names
        self.namespace = namespace
        self.log = self.data.parent / f"{name}.log"
        self._dies_with_parent = dies_with_parent
        self._process = None

    @property
    def authority(self):
        """The PEM file of the authority that signed the server's TLS certificate."""
        return self.data / "tls" / "ca.pem"

    def command(self, *arguments, environment=None, check=True, timeout=60):
        """Runs `sallyport` with arguments on this server's data; returns what it printed."""
        done = subprocess.run(
            [program("sallyport"), *map(str, arguments), "--data", self.data],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            env={**os.environ, **(environment or {})},
        )
        if check and done.returncode != 0:
            raise shell.CommandFailed(
                f"sallyport {' '.join(map(str, arguments))}: exit {done.returncode}\n{done.stderr}"
            )
        return done.stdout

    def apply(self, file, environment):
        """Brings the data to what a YAML file says; secrets come from `environment`."""
        self.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        return self.command("apply", file, environment=environment)

    def join_token(self, machine):
        """A single-use token with which one machine may enrol."""
        return self.command("host", "token", "--machine", machine).strip()

    def start(self, environment=None):
        """Starts serving and waits until the server says that it is well."""
        line = [program("sallyport"), "serve", "--data", self.data, "--port", self.port, "--address", "0.0.0.0"]
        line += ["--public-url", self.public_url, "--names", ",".join(self.names)]
        # Everybody comes from the bastion's address: without this, newer sshds punish all for the mistakes of one.
        line += ["--relay-networks", RELAY_NETWORK]
        if self.namespace:
            line = self.namespace.inside(line)
        else:
            # The filter on the machines' bridge knows the server by its group.
            line = ["setpriv", f"--regid={GATE_GROUP}", "--clear-groups", "--", *line]
        self._process = shell.start(line, self.log, self._dies_with_parent, environment)
        shell.remember(self.lab, self.record, self._process.pid)
        deadline = time.monotonic() + 60
        while not self._is_well():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise shell.CommandFailed(
                    f"the server did not come up; the end of {self.log}:\n{self.log.read_text()[-4000:]}"
                )
            time.sleep(0.05)
        return self

    def _is_well(self):
        if not self.authority.exists():
            return False
        arguments = ["curl", "--silent", "--fail", "--max-time", "2", "--cacert", self.authority, "--noproxy", "*"]
        arguments += [
            "--resolve",
            f"{self.names[0]}:{self.port}:127.0.0.1",
            f"https://{self.names[0]}:{self.port}/healthz",
        ]
        if self.namespace:
            arguments = self.namespace.inside(arguments)
        try:
            shell.run(*arguments)
        except shell.CommandFailed:
            return False
        return True

    def stop(self, number=signal.SIGTERM):
        """Asks the server to end, and insists after five seconds."""
        shell.end(self.lab, self.record, number)

    def is_running(self):
        """Whether the process is there."""
        return shell.started_at(self._process.pid) is not None

    @property
    def pid(self):
        return self._process.pid

    def audit(self):
        """The audit log as the command line prints it."""
        return self.command("audit", "list", "--json", "--limit", 1000)


class Fabric:
    """A running `sallyport fabric` beside a server: what makes machines when somebody asks the server for them."""

    def __init__(self, lab, data, server_port, log, namespace=None, dies_with_parent=False):
        self.lab = lab
        self.data = Path(data)
        self.log = Path(log)
        self._arguments = ["--server-port", server_port]
        self._namespace = namespace
        self._dies_with_parent = dies_with_parent

    def start(self):
        """Starts it and waits until its socket is there. The data folder must exist."""
        # Written down first: whoever cleans up after a crash finds what to clean by it.
        folder = shell.STATE / self.lab
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "fabric.data").write_text(str(self.data))
        line = [program("sallyport"), "fabric", "--data", self.data, *self._arguments]
        if self._namespace:
            # Nothing leads from a lab's own network to the archive; the box itself has a way there.
            shell.run(*line, "--fetch", "bookworm", timeout=1300)
        line = self._namespace.inside(line) if self._namespace else line
        before = self._starts()
        process = shell.start(line, self.log, self._dies_with_parent)
        shell.remember(self.lab, "0-fabric", process.pid)
        deadline = time.monotonic() + 60
        while self._starts() == before:
            if process.poll() is not None or time.monotonic() > deadline:
                raise shell.CommandFailed(f"the fabric did not come up: {self.log.read_text()[-4000:]}")
            time.sleep(0.02)
        return self

    def _starts(self):
        return self.log.read_text().count('"ready"') if self.log.exists() else 0

    def stop(self, number=signal.SIGTERM):
        """Ends the service; machines go on."""
        shell.end(self.lab, "0-fabric", number)


def clean_fabric(lab):
    """Ends a lab's fabric with every machine and network it made. Harmless when there is none."""
    record = shell.STATE / lab / "fabric.data"
    if not record.exists():
        return
    shell.end(lab, "0-fabric")
    data = Path(record.read_text())
    if (data / "fabric").is_dir():
        shell.run(program("sallyport"), "fabric", "--data", data, "--clean", timeout=300)
    record.unlink()


def toolchain_libraries(path):
    """Shared libraries of the Swift toolchain that a program was linked with; none when it was linked statically."""
    listed = subprocess.run(["ldd", path], capture_output=True, text=True).stdout
    found = [line.split("=>")[1].split()[0] for line in listed.splitlines() if "=> /" in line]
    return [library for library in found if not library.startswith(("/lib/", "/lib64/", "/usr/lib/"))]


def enrol(machine, server, resource, url, is_ready="sally-agent status", settings=None):
    """Puts the agent on a machine, joins it to the server and starts it; returns when `is_ready` is true on it.
    `settings` go into its configuration file before the start."""
    for path, source in host_programs().items():
        machine.copy_in(source, path)
        for library in toolchain_libraries(source):
            if not (machine.root / library.lstrip("/")).exists():
                machine.copy_in(library, library)
    machine.write("/etc/sallyport/ca.pem", server.authority.read_text())
    machine.write("/etc/sallyport/join-token", server.join_token(resource) + "\n", 0o600)
    join = ["sally-agent", "join", "--server", url, "--ca-file", "/etc/sallyport/ca.pem"]
    machine.run(*join, "--token-file", "/etc/sallyport/join-token", timeout=60)
    set_agent(machine, settings or {})
    start_agent(machine, is_ready)


def set_agent(machine, settings):
    """Changes an enrolled machine's agent configuration; before its start, which reads it."""
    if settings:
        known = json.loads(machine.read("/etc/sallyport/agent.json"))
        machine.write("/etc/sallyport/agent.json", json.dumps(known | settings))


def start_agent(machine, is_ready="sally-agent status"):
    """Starts the agent of an enrolled machine and waits until it answers."""
    machine.serve("sally-agent", "/usr/sbin/sally-agent", "run")
    try:
        machine.wait_for(is_ready, 30)
    except shell.CommandFailed as failure:
        raise shell.CommandFailed(f"{failure}\n{machine.log('sally-agent')[-4000:]}") from None


def is_port_free(port):
    """Whether nobody listens on a TCP port of this host."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))
        except OSError:
            return False
    return True
