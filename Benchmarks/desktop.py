"""Desktops through gateway and front of the whole server: CPU, a key press, the sign-in, memory, many at once.

Beside them nginx stream, with as many layers of TLS as each row says, or the way straight to the same host.
"""

import concurrent.futures
import contextlib
import ctypes
import functools
import os
import statistics
import tempfile
import threading
import time
from pathlib import Path

import desktop_ends
import login
import processes
import tunnel
import whole_server
from desktop_ends import PICTURE, PICTURES, DesktopMaker, Direct, Host, TwoLayers
from report import Goal, Row
from service import Service

from lab import desktops, programs
from lab.freerdp import FreeRDP, Screen

#: The server lets a person have 64 at once, and two people open these.
IDLE = 100
STALLED = 10
#: How many bytes of messages a client makes ahead.
READY = 16_000_000
#: In what clients send files and the clipboard unless the host allows more. Source: MS-RDPBCGR 2.2.7.1.10.
SMALL = 1600
#: Turns of the reel that each busy desktop gets.
TURNS = 5
XRDP_PORT = 3389
LOCAL = "lola"
BOTH_LEGS = "nginx stream, TLS on both legs"

_NGINX = """load_module /usr/lib/nginx/modules/ngx_stream_module.so;
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.log; user root;
events {{ worker_connections 1024; }}
stream {{
    ssl_certificate {folder}/certificate.pem;
    ssl_certificate_key {folder}/key.pem;
    ssl_protocols TLSv1.3;
    tcp_nodelay on;
    proxy_buffer_size 64k;
    server {{ listen 127.0.0.1:{one} ssl; proxy_pass {host}; }}
    server {{ listen 127.0.0.1:{two} ssl; proxy_pass {host}; proxy_ssl on; proxy_ssl_protocols TLSv1.3; }}
    server {{ listen 127.0.0.1:{three} ssl; proxy_pass 127.0.0.1:{two}; }}
}}
"""


class Lab(login.Lab):
    """The lab of the logins with xrdp in its machine, and a local user there."""

    def furnish(self):
        if not desktops.can_serve():
            raise processes.Missing("xrdp, tigervnc and freerdp2-x11 (Scripts/install-packages lab)")
        desktops.start_xrdp(self.machine, XRDP_PORT)
        desktops.add_local_user(self.machine, LOCAL, desktops.LOCAL_PASSWORD)

    def give_passwords_to_nobody(self):
        """From here on the machine sets passwords with a program that does nothing: the host of the other measurements
        asks for none, and unused ones would be counted."""
        self.machine.write("/usr/local/sbin/no-credential", "#!/bin/sh\ncat >/dev/null\n", 0o755)
        settings = {"desktopCredentialCommand": ["/usr/local/sbin/no-credential"], "desktopPort": XRDP_PORT}
        settings |= {"desktopCertificate": "/etc/xrdp/lab-cert.pem", "desktopProduct": "made-up"}
        self.machine.end_service("sally-agent")
        programs.set_agent(self.machine, settings)
        programs.start_agent(self.machine, "sally-agent status")


class Way:
    """One way to the host; `pid` is the process that does the work."""

    def __init__(self, pid, connect):
        self.pid, self.connect = pid, connect


class Ways:
    """A host in the machine, and every way to it."""

    def __init__(self, lab, folder):
        self._lab, self._folder = lab, folder

    def __enter__(self):
        lab = self._lab
        processes.make_certificate(self._folder)
        files = (f"{lab.machine.root}/etc/xrdp/lab-{name}.pem" for name in ("cert", "key"))
        self.host = Host(login.ADDRESS, f"/proc/{lab.machine.pid}/ns/net", *files)
        people = [Service(lab, name) for name in ("alice", "bob")]
        maker = DesktopMaker(people, lab.server.pid, login.RESOURCE, self.host.port, lab.server.authority)
        first = processes.free_port()
        ports = [first, first + 1, first + 2]
        text = _NGINX.format(
            folder=self._folder, host=f"{login.ADDRESS}:{self.host.port}", one=ports[0], two=ports[1], three=ports[2]
        )
        (self._folder / "nginx.conf").write_text(text)
        line = [processes.tool("nginx"), "-c", f"{self._folder}/nginx.conf", "-p", str(self._folder)]
        self._nginx = tunnel.Relay(Direct, line, ports[0], has_worker=True)
        worker = self._nginx.pid
        self.ours = Way(lab.server.pid, maker.connect)
        self.one = Way(worker, lambda: Direct(ports[0]))
        self.two = Way(worker, lambda: Direct(ports[1]))
        self.three = Way(worker, lambda: TwoLayers(ports[2]))
        self.direct = Way(self.host.pid, lambda: Direct(self.host.port, login.ADDRESS))
        return self

    def __exit__(self, *_):
        self._nginx.stop()
        self.host.stop()


def upload(client, amount, size=PICTURE, ready=READY):
    """So many bytes in messages to the host. They are ready before they go: while a client makes one, in more layers
    for us than for others, whoever waits for it pays for going to sleep and waking up."""
    step = max(1, ready // size)
    client.order(b"s", amount // size * size)
    for first in range(0, amount // size, step):
        client.wire.hold()
        for number in range(first, min(first + step, amount // size)):
            start = number % 64 * PICTURE
            client.send(PICTURES[start : start + size])
        client.wire.release()
    client.receive(1)


def download(client, amount):
    client.order(b"g", amount)
    client.drain(amount, bytearray(1 << 16))


#: What each direction's row is called, what is done, and how much of the bytes it gets.
LOADS = {
    "to the client": (download, 1),
    "to the host": (upload, 1),
    f"to the host, in messages of {SMALL:,} bytes": (functools.partial(upload, size=SMALL), 1 / 4),
    "to the host, each message made as it goes": (functools.partial(upload, ready=0), 1 / 2),
}


def processor_time(ways, options):
    """CPU seconds per GB of each way, medians of rounds in turns."""
    relays = {"ours": ways.ours, "one": ways.one, "two": ways.two, "three": ways.three}
    found = {(name, title): [] for name in relays for title in LOADS}
    with hurried(ways.ours.pid, ways.one.pid, ways.host.pid):
        clients = {name: relay.connect() for name, relay in relays.items()}
        for _ in range(options.rounds):
            for name, relay in relays.items():
                for title, (run, share) in LOADS.items():
                    amount = max(1, int(options.gigabytes * share * 1e9) // len(PICTURES)) * len(PICTURES)
                    before = processes.processor_seconds(relay.pid)
                    run(clients[name], amount)
                    spent = processes.processor_seconds(relay.pid) - before
                    found[name, title].append(spent / amount * 1e9)
    medians = {key: statistics.median(values) for key, values in found.items()}
    neighbours = {
        "one": "nginx stream, TLS to the client",
        "two": BOTH_LEGS,
        "three": "nginx stream, TLS in TLS, and TLS to the host",
    }
    rows = []
    for title in LOADS:
        has_goal = title in ("to the client", "to the host")
        for name, words in neighbours.items():
            goal = Goal(1.0, of_ratio=True, passes=1.3) if has_goal and name == "two" else None
            if has_goal or name != "one":
                numbers = medians["ours", title], medians[name, title]
                rows.append(Row(f"desktop: CPU, {title}", "s/GB", *numbers, words, goal))
    return rows


@contextlib.contextmanager
def hurried(*pids):
    """While it lasts, these processes and this one run before other work, if we may decide that."""
    threads = [int(task.name) for pid in pids for task in Path(f"/proc/{pid}/task").iterdir()]

    def set_all(policy, priority):
        for thread in threads:
            with contextlib.suppress(OSError):
                os.sched_setscheduler(thread, policy, os.sched_param(priority))

    set_all(os.SCHED_RR, 10)
    try:
        with processes.first_in_line():
            yield
    finally:
        set_all(os.SCHED_OTHER, 0)


def key_press(ways, options):
    """What a key press and its echo take longer than straight to the host."""
    relays = {"ours": ways.ours, "nginx": ways.two, "direct": ways.direct}
    # The host's thread of a connection begins with it, and so in a hurry.
    with hurried(ways.ours.pid, ways.two.pid, ways.host.pid):
        times = tunnel.keystrokes(relays, options.trips)
    ours, nginx = ((times[name] - times["direct"]) / 1e3 for name in ("ours", "nginx"))
    title, here = "desktop: a key press and its echo, p50", "straight to the host"
    return [
        Row("desktop: added to a key press and its echo, p50", "ms", ours, nginx, BOTH_LEGS, Goal(0.5)),
        Row(title, "ms", times["ours"] / 1e3, times["direct"] / 1e3, here),
    ]


def hold_idle(way, count):
    """Desktops that have shown a picture and now rest."""
    clients = [way.connect() for _ in range(count)]
    for client in clients:
        download(client, 32 * PICTURE)
    return clients


def peak(pid):
    """The most resident memory since `forget_peak`, in KiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    return 0


def forget_peak(pid):
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def memory(ways):
    """Resident memory of idle desktops, of ones whose client does not read, and of many busy ones."""
    found = {}
    for name, way in (("ours", ways.ours), ("nginx", ways.two)):
        for client in hold_idle(way, 1):
            client.close()
        time.sleep(1)
        numbers = [processes.resident(way.pid)]
        held = hold_idle(way, IDLE)
        numbers.append((processes.resident(way.pid) - numbers[0]) / IDLE)
        stalled = tunnel.stall_clients(way, STALLED)
        numbers.append((processes.resident(way.pid) - numbers[0]) / STALLED - numbers[1] * IDLE / STALLED)
        for client in stalled:
            client.close()
        missing, seconds, spent, most = replay(way, held)
        numbers += [(most - numbers[0]) / IDLE, missing, seconds, spent]
        for client in held:
            client.close()
        time.sleep(3)
        numbers.append(processes.resident(way.pid))
        found[name] = numbers
    titles = [
        ("resident, one desktop ago", "KiB", None),
        (f"resident, per idle desktop of {IDLE}", "KiB", Goal(200, passes=250)),
        (f"the same, per client that does not read, of {STALLED}", "KiB", None),
        (f"{IDLE} at once: resident at the peak, per desktop", "KiB", Goal(1024)),
        (f"{IDLE} at once: bytes that did not arrive as sent", "B", Goal(0)),
        (f"{IDLE} at once, {TURNS} MiB each", "s", None),
        (f"{IDLE} at once: CPU", "s", None),
        ("resident, after all of them ended", "KiB", None),
    ]
    return [
        Row(f"desktop: {title}", unit, ours, nginx, BOTH_LEGS, goal)
        for (title, unit, goal), ours, nginx in zip(titles, found["ours"], found["nginx"], strict=True)
    ]


def replay(way, clients):
    """Bytes that did not come to desktops all busy at once, seconds, CPU seconds, the most resident memory."""
    forget_peak(way.pid)
    gate = threading.Barrier(len(clients))

    def watch(client):
        gate.wait()
        client.order(b"r", TURNS)
        return desktop_ends.missing(client, TURNS)

    before, start = processes.processor_seconds(way.pid), time.perf_counter()
    with concurrent.futures.ThreadPoolExecutor(len(clients)) as threads:
        missing = sum(threads.map(watch, clients))
    seconds, spent = time.perf_counter() - start, processes.processor_seconds(way.pid) - before
    return missing, seconds, spent, peak(way.pid)


class Point:
    """One point of a screen, looked at every few milliseconds."""

    def __init__(self, screen, x=500, y=700):
        self._x11 = x11 = ctypes.CDLL("libX11.so.6")
        for name in ("XOpenDisplay", "XDefaultRootWindow", "XGetImage", "XGetPixel"):
            getattr(x11, name).restype = ctypes.c_void_p if name in ("XOpenDisplay", "XGetImage") else ctypes.c_ulong
        self._place = (x, y)
        self._display = ctypes.c_void_p(x11.XOpenDisplay(screen.display.encode()))
        self._window = ctypes.c_ulong(x11.XDefaultRootWindow(self._display))

    def colour(self):
        x, y = self._place
        image = self._x11.XGetImage(self._display, self._window, x, y, 1, 1, ctypes.c_ulong(0xFFFFFF), 2)
        image = ctypes.c_void_p(image)
        value = self._x11.XGetPixel(image, 0, 0) & 0xFFFFFF
        self._x11.XDestroyImage(image)
        return value >> 16, value >> 8 & 0xFF, value & 0xFF

    def wait_for(self, colour, client, seconds=30):
        deadline = time.monotonic() + seconds
        while any(abs(one - other) > 12 for one, other in zip(self.colour(), colour, strict=True)):
            if time.monotonic() > deadline or not client.is_running():
                raise OSError(f"no desktop: {client.output[-1500:]}")
            time.sleep(0.004)


def sign_in(lab, options):
    """From the start of FreeRDP to the first picture, both ways; the sessions behind were begun before."""
    service = Service(lab, "alice")
    times = {"ours": [], "direct": []}

    def ours(screen, folder):
        file = folder / "desktop.rdp"
        file.write_text(service.connection_file(login.RESOURCE, XRDP_PORT))
        return FreeRDP(screen, "/gt:http", file=file)

    def direct(screen, folder):
        # The same settings, so that both show the same picture in the same way, but no gateway in them.
        text = (folder / "desktop.rdp").read_text()
        lines = [line for line in text.splitlines() if not line.lower().startswith(("gateway", "username", "sign"))]
        file = folder / "direct.rdp"
        file.write_text("".join(f"{line}\n" for line in lines if not line.startswith(("full ad", "alternate full"))))
        address = f"/v:{login.ADDRESS}:{XRDP_PORT}"
        return FreeRDP(screen, address, f"/u:{LOCAL}", file=file, password=desktops.LOCAL_PASSWORD)

    works = {"ours": ours, "direct": direct}
    with tempfile.TemporaryDirectory() as folder, Screen() as screen:
        point = Point(screen)
        for turn in range(1 + max(3, options.logins // 8)):
            for name in sorted(works, reverse=turn % 2 == 0):
                start = time.perf_counter()
                with works[name](screen, Path(folder)) as client:
                    point.wait_for(desktops.XRDP_COLOUR, client)
                    spent = time.perf_counter() - start
                # The first time makes the session.
                times[name] += [spent * 1e3] if turn else []
    medians = {name: statistics.median(values) for name, values in times.items()}
    added = statistics.median(one - other for one, other in zip(times["ours"], times["direct"], strict=True))
    return [
        Row("desktop: xfreerdp to the first picture", "ms", medians["ours"], medians["direct"], "straight to xrdp"),
        Row("the same, median difference of neighbours", "ms", added, goal=Goal(300)),
    ]


def measure(lab, options):
    found = sign_in(lab, options)
    lab.give_passwords_to_nobody()
    with tempfile.TemporaryDirectory(prefix="sallyport-bench-") as folder, Ways(lab, Path(folder)) as ways:
        return found + key_press(ways, options) + memory(ways) + processor_time(ways, options)


def rows(options):
    return whole_server.inside(measure, options, Lab)
