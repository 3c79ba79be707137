"""Signing in to a machine with a certificate and the host's decision, beside a plain key; and the steps that differ.

Server and machine are namespaces of a lab of their own, as in the end-to-end tests. ssh goes straight to the machine:
the way through the bastion is the tunnel's business.
"""

import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import processes
from report import Goal, Row

from lab import cleanup, programs
from lab.machine import Machine
from lab.network import Namespace, VirtualNetwork
from lab.shell import CommandFailed

LAB = "bn"
GATEWAY, ADDRESS = "10.77.0.1", "10.77.0.11"
PLAN = processes.REPOSITORY / "Scripts" / "demo.yaml"
RESOURCE = (
    "/subscriptions/5a11b0a7-7e0a-4c0a-8d0e-3f6d0c0a0002/resourceGroups/demo"
    "/providers/Microsoft.Compute/virtualMachines/myVM"
)
ALICE = "alice@contoso.example"
LOCAL = "localuser"
# The usual key exchange takes about half of a login, the same for everybody; what differs would drown in its noise.
SSH = [
    "ssh", "-F", "none", "-o", "KexAlgorithms=curve25519-sha256",
    "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR",
    "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-o", "ConnectTimeout=15",
]  # fmt: skip

# ssh offers the bare key before its certificate unless only certificates will do; sshd makes it wait for that.
ONLY_CERTIFICATES = ["-o", "PubkeyAcceptedAlgorithms=*-cert-v01@openssh.com"]
WAYS = {
    "plain": ("plain", LOCAL, []),
    "stock certificate": ("stock", LOCAL, ONLY_CERTIFICATES),
    "certificate": ("certified", ALICE, ONLY_CERTIFICATES),
    "bare key first": ("certified", ALICE, []),
}
PAIRS_PER_SSHD = 1

# The authority of ssh-keygen's certificate has a key like the server's, so that sshd has the same work with both.
AUTHORITY_KEYS = {"ecdsa-p256": "ecdsa", "ed25519": "ed25519", "rsa-3072": "rsa"}
AUTHORITY = AUTHORITY_KEYS[os.environ.get("SALLYPORT_SERVE_SSH_CA_TYPE", "ed25519")]

# Runs in the machine: medians in microseconds of what sshd asks for on the way in.
PROBE = """
import json, os, pwd, statistics, sys, time
user, local = sys.argv[1:]
def timed(work, count):
    times = []
    for _ in range(count):
        start = time.perf_counter()
        work()
        times.append((time.perf_counter() - start) * 1e6)
    return statistics.median(times)
def groups(name):
    number = pwd.getpwnam(name).pw_gid
    return timed(lambda: os.getgrouplist(name, number), 500)
print(json.dumps({
    "name": timed(lambda: pwd.getpwnam(user), 500), "local name": timed(lambda: pwd.getpwnam(local), 500),
    "groups": groups(user), "local groups": groups(local),
}))
"""


class Lab:
    """A server, an enrolled machine, and two keys that open it."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="sallyport-bench-"))
        self.machine = None

    def __enter__(self):
        cleanup.clean(LAB)
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.machine:
            self.machine.stop()
        cleanup.clean(LAB)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self):
        self.secrets = secrets = programs.make_secrets()
        port = processes.FIRST_PORT
        self.url = url = f"https://{GATEWAY}:{port}"
        self.place = Namespace(LAB, "server")
        network = VirtualNetwork(LAB, "vnet", f"{GATEWAY}/24", self.place)
        names = [GATEWAY, "localhost", "127.0.0.1"]
        self.server = programs.Server(LAB, self.folder / "data", url, port, names, self.place, dies_with_parent=True)
        self.server.apply(PLAN, secrets)
        self.server.start()
        self.machine = Machine(LAB, "myvm", network, ADDRESS, dies_with_parent=True).start()
        self.machine.start_sshd()
        self.furnish()
        programs.enrol(self.machine, self.server, RESOURCE, url)
        self._make_keys(url, secrets["SALLYPORT_ALICE_PASSWORD"])

    def furnish(self):
        """What else the machine gets before it is enrolled."""

    def _make_keys(self, url, password):
        types = {"certified": "ed25519", "plain": "ed25519", "stock": "ed25519", "authority": AUTHORITY}
        for name, kind in types.items():
            subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", self.folder / name], check=True)
        sign = ["ssh-keygen", "-q", "-s", self.folder / "authority", "-I", "stock", "-n", LOCAL]
        subprocess.run([*sign, self.folder / "stock.pub"], check=True)
        self.machine.run("useradd", "--create-home", "--shell", "/bin/bash", LOCAL)
        home = f"/home/{LOCAL}/.ssh"
        keys = [
            (self.folder / "plain.pub").read_text(),
            "cert-authority " + (self.folder / "authority.pub").read_text(),
        ]
        self.machine.write(f"{home}/authorized_keys", "".join(keys))
        self.machine.run(f"chmod 700 {home}; chown -R {LOCAL}: {home}")
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "SALLY_CONFIG_DIR": str(self.folder / "sally"),
            "SALLYPORT_URL": url,
            "SALLYPORT_CA": str(self.server.authority),
        }
        for arguments, text in (
            (["login", "--username", ALICE, "--password-stdin"], password + "\n"),
            (["ssh", "cert", "--public-key-file", str(self.folder / "certified.pub")], ""),
        ):
            line = self.place.inside([programs.program("sally"), *arguments])
            done = subprocess.run(line, env=environment, input=text, capture_output=True, text=True, timeout=60)
            if done.returncode != 0:
                raise CommandFailed(f"sally {arguments[0]}: exit {done.returncode}\n{done.stderr}")

    def restart_sshd(self):
        """sshd makes a delay for each name (up to 4.2 ms) of its host keys; a new one keeps that out of the medians."""
        self.machine.end_service("sshd")
        key = "/etc/ssh/ssh_host_ed25519_key"
        self.machine.run(f"rm -f {key} {key}.pub && ssh-keygen -q -t ed25519 -N '' -f {key}")
        self.machine.wait_for("! ss -Hltn 'sport = :22' | grep -q .", 10)
        self.machine.start_sshd()

    def sign_in(self, way):
        """Seconds of one whole `ssh … true`."""
        key, user, options = WAYS[way]
        line = self.place.inside([*SSH, *options, "-i", self.folder / key, "-l", user, ADDRESS, "true"])
        start = time.perf_counter()
        done = subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        spent = time.perf_counter() - start
        if done.returncode != 0:
            raise CommandFailed(
                f"ssh as {user}: exit {done.returncode}\n{done.stderr}{self.machine.log('sshd')[-2000:]}"
            )
        return spent

    def probe(self):
        """Medians in microseconds of a name and of a list of groups, with what is beside them."""
        return json.loads(self.machine.run("python3", "-I", "-c", PROBE, ALICE, LOCAL, timeout=120))


def rows(options):
    if os.geteuid() != 0:
        raise processes.Missing("root, which machines made out of namespaces take")
    os.environ["SALLYPORT_PROGRAMS"] = str(Path(options.programs).resolve())
    times = {way: [] for way in WAYS}
    with processes.first_in_line(), Lab() as lab:
        for way in WAYS:
            # The first time makes a home.
            lab.sign_in(way)
        for turn in range(options.logins):
            if turn % PAIRS_PER_SSHD == 0:
                lab.restart_sshd()
            # Each goes first as often as the others.
            for way in sorted(WAYS, reverse=turn % 2 == 1):
                times[way].append(lab.sign_in(way) * 1e3)
        found = lab.probe()
    medians = {way: statistics.median(values) for way, values in times.items()}
    plain = medians["plain"]

    def difference(way, beside="plain"):
        return statistics.median(ours - other for ours, other in zip(times[way], times[beside], strict=True))

    return [
        Row("ssh VM true, certificate and host decision", "ms", medians["certificate"], plain, "plain key"),
        Row("the same, median difference of neighbours", "ms", difference("certificate"), goal=Goal(5, passes=20)),
        Row("what of it is not sshd's own work on a certificate", "ms", difference("certificate", "stock certificate")),
        Row("ssh VM true, certificate of ssh-keygen", "ms", medians["stock certificate"], plain, "plain key"),
        Row("ssh VM true, bare key offered before", "ms", medians["bare key first"], plain, "plain key"),
        Row("a person's name (getpwnam)", "us", found["name"], found["local name"], "local name"),
        Row("a person's groups (getgrouplist)", "us", found["groups"], found["local groups"], "local name"),
    ]
