"""Walking through the articles: each command as it is printed there, with what came of it written down in one line."""

import contextlib
import shlex
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from lab import shell
from ssh_extension import find_address

GROUP = "AzureADLinuxVM"
MACHINE = "articleVM"
#: Where machines get public addresses from, and where clients look for them.
PUBLIC_ADDRESSES = "198.51.100.0/24"


@dataclass
class Row:
    """What came of one command."""

    who: str
    line: str
    status: object
    seconds: float
    note: str = ""

    def __str__(self):
        return f"{self.status!s:>5}  {self.seconds:7.2f} s  {self.who + '$':10} {self.line}" + (
            f"   [{self.note}]" if self.note else ""
        )


class Unexpected(AssertionError):
    """A command ended otherwise than the article says."""


def run(line):
    """A program run to its end, without anything to read."""
    return subprocess.run(line, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)


class Walk:
    """Runs commands in order and keeps a row for each, those that fail too."""

    def __init__(self, world, az):
        self.world = world
        self.cli = az
        self.rows = []

    def az(self, who, line, expect=0, match="", timeout=150, note=""):
        """Runs `az` as somebody; returns what it printed. `expect` is the exit status, `match` must be in the text."""
        process = self.cli(who).start(*shlex.split(line))
        began = time.monotonic()
        try:
            out, err = process.communicate(timeout=timeout)
            status = process.returncode
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            status = "late"
        self.rows.append(Row(who, f"az {line}", status, time.monotonic() - began, note))
        if status != expect or match not in out + err:
            raise Unexpected(f"az {line}\nexit {status}, expected {expect} with {match!r}:\n{out[-2000:]}{err[-3000:]}")
        return out.strip() or err.strip()

    def step(self, who, line, work, note=""):
        """Does in the tests what the line says; the row is written however it ends. `work` returns an exit status."""
        began = time.monotonic()
        status = "error"
        try:
            status = work()
        finally:
            self.rows.append(Row(who, line, status, time.monotonic() - began, note))
        return status

    def ssh_vm(self, person, command, expect=0):
        """`az ssh vm -n VM -g GROUP -- command`, with the extension's own requests; returns what was printed."""

        def sign_in():
            address = find_address(person.arm, self.world.group(GROUP), MACHINE)
            line = person.ssh_line(22, command)
            return run([*line[: line.index("127.0.0.1")], address, command])

        return self.signed_in(person, f"az ssh vm -n {MACHINE} -g {GROUP} -- {command}", sign_in, expect)

    def bastion_ssh(self, person, bastion, command, expect=0):
        """`az network bastion ssh --auth-type AAD`, with the extension's own protocol; returns what was printed."""
        target = self.world.path(MACHINE, GROUP)

        def sign_in():
            with person.bastion(bastion, GROUP).tunnel(target) as tunnel:
                return run(person.ssh_line(tunnel.port, command))

        line = f"az network bastion ssh -n {bastion} -g {GROUP} --auth-type AAD --target-resource-id {target}"
        return self.signed_in(person, line, sign_in, expect)

    def signed_in(self, person, line, sign_in, expect):
        """The row of a sign-in by an extension's protocol; returns what was printed."""
        printed = []

        def work():
            done = sign_in()
            printed.append(done.stdout + done.stderr)
            return done.returncode

        status = self.step(person.name, line, work, "by the extension's protocol")
        if status != expect:
            raise Unexpected(f"{line}\nexit {status}, expected {expect}:\n{''.join(printed)}")
        return "".join(printed).strip()

    def table(self):
        """All rows, and how many there were."""
        total = sum(row.seconds for row in self.rows)
        return "\n".join([" exit     time", *map(str, self.rows), f"{len(self.rows)} commands in {total:.1f} s"])


@contextlib.contextmanager
def public_addresses(world):
    """The lab with a range of public addresses, as an installation has it that its operator gave one."""
    place = world.client_place.name
    shell.run("ip", "-n", place, "route", "replace", PUBLIC_ADDRESSES, "via", "10.78.0.1")
    _forward(world, 1)
    world.server.stop()
    start_with_addresses(world)
    try:
        yield
    finally:
        world.server.stop()
        begin = len(world.server.log.read_text())
        world.server.start()
        _wait_for_hosts(world, begin)
        _forward(world, 0)
        shell.run("ip", "-n", place, "route", "del", PUBLIC_ADDRESSES, check=False)


def _wait_for_hosts(world, begin):
    """Until the lab's machines are connected again to a server whose log was so long before: other tests want them."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        lines = [line for line in world.server.log.read_text()[begin:].splitlines() if "host connected" in line]
        if all(any(f'/{name}"' in line for line in lines) for name in world.machines):
            return
        time.sleep(0.1)


def start_with_addresses(world):
    """Starts the server that was stopped."""
    world.server.start({"SALLYPORT_SERVE_PUBLIC_ADDRESSES": PUBLIC_ADDRESSES})


def _forward(world, number):
    """What the operator does on the box: packets to public addresses pass through it."""
    shell.run(*map(str, world.server_place.inside(["sysctl", "-qw", f"net.ipv4.ip_forward={number}"])))


def traces(world):
    """What machines that were made could leave behind: namespaces, interfaces, mounts, processes, files, tables."""
    data = str(world.server.data)
    machines, networks = Path(data) / "fabric" / "machines", Path(data) / "fabric" / "networks"
    found = {
        "namespaces": set(),
        "interfaces": _interfaces(world.server_place),
        "mounts": {line.split()[1] for line in shell.run("cat", "/proc/mounts").splitlines() if data in line},
        "tables": set(shell.run("nsenter", f"--net={world.server_place.path}", "nft", "list", "tables").splitlines()),
        "files": {path.name for place in (machines, networks) if place.is_dir() for path in place.iterdir()},
        "groups": set(),
        "processes": set(),
    }
    # Other labs of this computer have namespaces and control groups of their own: ours are those that our records name.
    known = {name.removesuffix(".json") for name in found["files"]} | getattr(world, "traced", set())
    world.traced = known
    found["namespaces"] = {path.name for path in Path("/run/netns").glob("spf-*") if path.name[4:] in known}
    found["groups"] = {str(path) for path in Path("/sys/fs/cgroup").glob("**/sallyport-*") if path.name[10:] in known}
    for status in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            line = status.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if f"{data}/fabric/machines" in line:
                found["processes"].add(line)
    return found


def _interfaces(place):
    lines = shell.run("ip", "-n", place.name, "-o", "link").splitlines()
    return {line.split(": ")[1].split("@")[0] for line in lines if ": " in line and line[0].isdigit()}
