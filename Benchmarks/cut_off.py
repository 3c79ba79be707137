"""From taking a role away to the end of what it allowed: a session on a machine, and a tunnel of the bastion."""

import statistics
import subprocess
import threading
import time

import login
from report import Goal, Row
from service import ADMINISTRATOR_LOGIN, READER, Service, TunnelMaker, until
from whole_server import inside

GROUP = login.RESOURCE.partition("/providers/")[0]


class Trial:
    """A session that goes straight to the machine, so that the machine has to end it, and a tunnel without ssh."""

    def __init__(self, lab, tunnels):
        key, user, options = login.WAYS["certificate"]
        line = [*login.SSH, *options, "-tt", "-i", lab.folder / key, "-l", user, login.ADDRESS, "echo in; sleep 600"]
        self.ended = {}
        self._ssh = subprocess.Popen(
            lab.place.inside(line), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        if not self._ssh.stdout.readline().startswith(b"in"):
            raise OSError("no session")
        self._tunnel = tunnels.connect()
        self._tunnel.receive(4)
        for name, wait in (("session", self._ssh.wait), ("tunnel", self._drain)):
            threading.Thread(target=self._note, args=(name, wait), daemon=True).start()

    def _drain(self):
        # The machine's sshd says nothing after its first line; so what comes next is the server's close frame.
        try:
            while (data := self._tunnel.peer.recv(4096)) and not data.startswith(b"\x88"):
                pass
        except OSError:
            pass

    def _note(self, name, wait):
        wait()
        self.ended[name] = time.monotonic()

    def wait(self):
        until(lambda: len(self.ended) == 2, 20)
        self._tunnel.close()


def signs_in(lab):
    try:
        return lab.sign_in("certificate") > 0
    except login.CommandFailed:
        return False


def measure(lab, options):
    admin, alice = Service(lab, "admin"), Service(lab, "alice")
    tunnels = TunnelMaker(alice, lab.server.pid, login.RESOURCE, 22)
    listed = admin.resource("GET", f"{GROUP}/providers/Microsoft.Authorization/roleAssignments?$filter=atScope()")
    # A session takes the login role; a tunnel takes the right to see the machine, which either role gives.
    taken = {
        name: next(each for each in listed["value"] if each["properties"]["roleDefinitionId"].endswith(role))
        for name, role in (("session", ADMINISTRATOR_LOGIN), ("tunnel", READER))
    }
    times = {name: [] for name in taken}
    lab.sign_in("certificate")
    for _ in range(options.cuts):
        trial, asked = Trial(lab, tunnels), {}
        for name, assignment in taken.items():
            asked[name] = time.monotonic()
            admin.resource("DELETE", assignment["id"])
        trial.wait()
        for name, ended in trial.ended.items():
            times[name].append(ended - asked[name])
        for assignment in taken.values():
            kept = {k: assignment["properties"][k] for k in ("roleDefinitionId", "principalId", "principalType")}
            admin.resource("PUT", assignment["id"], {"properties": kept})
        until(lambda: signs_in(lab))
    rows = []
    for name, what in (("session", "a session on a machine ended"), ("tunnel", "a tunnel of the bastion ended")):
        ordered = sorted(times[name])
        # Of fifty values the 99th percentile is the largest.
        rows += [
            Row(f"role taken away, {what}: p50", "s", statistics.median(ordered)),
            Row("the same, p99", "s", ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))], goal=Goal(2)),
        ]
    return rows


def rows(options):
    return inside(measure, options)
