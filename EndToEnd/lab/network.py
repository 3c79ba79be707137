"""Networks of a lab: a bridge that machines hang on, and namespaces for the server and for its clients."""

import contextlib
import ctypes
import os
import subprocess
from pathlib import Path

from .shell import STATE, host_files, host_network, on_host, run

#: Group that may speak to machines when their network is the host's own; no account needs to bear it.
GATE_GROUP = 64077


def interface_name(lab, name):
    """An interface name of at most 15 bytes that begins with `sp`."""
    return f"sp{lab[:4]}-{name}"[:15]


class Namespace:
    """A named network namespace with its own loopback; stands for a place on a network."""

    def __init__(self, lab, name):
        self.lab = lab
        self.name = f"sp{lab}-{name}"
        run("ip", "netns", "add", self.name)
        run("ip", "-n", self.name, "link", "set", "lo", "up")

    @property
    def path(self):
        return Path("/run/netns") / self.name

    def inside(self, arguments):
        """The command line that runs `arguments` in this network."""
        return ["nsenter", f"--net={self.path}", "--", *map(str, arguments)]

    @contextlib.contextmanager
    def entrance(self):
        """A path into it for this process and its children, also after `enter`, which hides names made later."""
        line = on_host(["nsenter", f"--net={self.path}", "--", "sh", "-c", "echo there; exec cat"])
        pipe = subprocess.PIPE
        with subprocess.Popen(line, stdin=pipe, stdout=pipe, pass_fds=host_files()) as process:
            assert process.stdout.readline() == b"there\n"
            place = os.open(f"/proc/{process.pid}/ns/net", os.O_RDONLY)
            process.stdin.close()
        yield Path(f"/proc/{os.getpid()}/fd/{place}")
        os.close(place)

    def link_to(self, other, address, other_address):
        """A cable to another namespace, `eth0` here and there a name of its own; addresses as `10.0.0.1/24`."""
        near, far = "eth0", interface_name(self.lab, "uplink")
        run("ip", "link", "add", near, "netns", self.name, "type", "veth", "peer", "name", far, "netns", other.name)
        run("ip", "-n", self.name, "address", "add", address, "dev", near)
        run("ip", "-n", self.name, "link", "set", near, "up")
        run("ip", "-n", other.name, "address", "add", other_address, "dev", far)
        run("ip", "-n", other.name, "link", "set", far, "up")

    def enter(self, hosts):
        """Moves this process (call it while there is one thread) into the network, with `hosts` (name -> address)
        in an /etc/hosts that only this process and its children see."""
        libc = ctypes.CDLL(None, use_errno=True)
        new_mounts, new_network = 0x00020000, 0x40000000
        if libc.unshare(new_mounts) != 0:
            raise OSError(ctypes.get_errno(), "unshare")
        with open(self.path) as file:
            if libc.setns(file.fileno(), new_network) != 0:
                raise OSError(ctypes.get_errno(), "setns")
        table = STATE / self.lab / "hosts"
        table.parent.mkdir(parents=True, exist_ok=True)
        lines = ["127.0.0.1 localhost"] + [f"{address} {name}" for name, address in hosts.items()]
        table.write_text("\n".join(lines) + "\n")
        for arguments in (["mount", "--make-rprivate", "/"], ["mount", "--bind", str(table), "/etc/hosts"]):
            if os.spawnvp(os.P_WAIT, arguments[0], arguments) != 0:
                raise OSError(f"{arguments} failed")


class VirtualNetwork:
    """A bridge with a subnet. In a namespace of its own only the server there can reach the machines; on the host,
    a filter keeps everybody out who is not of the gate's group."""

    def __init__(self, lab, name, gateway, namespace=None):
        self.lab = lab
        self.bridge = interface_name(lab, name)
        self.gateway, _, self.prefix = gateway.partition("/")
        self.namespace = namespace
        self._ip("link", "add", self.bridge, "type", "bridge")
        self._ip("address", "add", gateway, "dev", self.bridge)
        self._ip("link", "set", self.bridge, "up")
        if namespace is None:
            self._guard()

    def _ip(self, *arguments):
        place = ["-n", self.namespace.name] if self.namespace else []
        run("ip", *place, *arguments)

    def _guard(self):
        table = f"sp{self.lab}"
        run(
            "nft",
            "-f",
            "-",
            text=f"""
            table inet {table} {{
                chain out {{
                    type filter hook output priority 0; policy accept;
                    oifname "{self.bridge}" ct state established,related accept
                    oifname "{self.bridge}" meta skgid != {GATE_GROUP} reject
                }}
                chain through {{
                    type filter hook forward priority 0; policy accept;
                    oifname "{self.bridge}" iifname != "{self.bridge}" reject
                    iifname "{self.bridge}" oifname != "{self.bridge}" reject
                }}
            }}
            """,
        )

    def lead_loopback(self, port, target):
        """Leads connections to a loopback port of the host, where nobody listens, to another one."""
        run(
            "nft",
            "-f",
            "-",
            text=f"""
            table inet sp{self.lab} {{
                chain loopback {{
                    type nat hook output priority -100; policy accept;
                    ip daddr 127.0.0.0/8 tcp dport {port} redirect to :{target}
                }}
            }}
            """,
        )

    def attach(self, pid, address, label):
        """Gives the process' network namespace an `eth0` on this bridge."""
        outside = interface_name(self.lab, label)
        # Made inside the machine and its far end moved here, so that the two names never clash on the host.
        home = ["nsenter", f"--net=/proc/{pid}/ns/net", "--"]
        run(*home, "ip", "link", "add", "eth0", "type", "veth", "peer", "name", outside)
        run(*home, "ip", "link", "set", outside, "netns", self.namespace.path if self.namespace else host_network())
        run(*home, "ip", "address", "add", f"{address}/{self.prefix}", "dev", "eth0")
        run(*home, "ip", "link", "set", "lo", "up")
        run(*home, "ip", "link", "set", "eth0", "up")
        # Where a machine's own services are asked for its identity.
        run(*home, "ip", "address", "add", "169.254.169.254/32", "dev", "lo")
        self._ip("link", "set", outside, "master", self.bridge)
        self._ip("link", "set", outside, "up")
