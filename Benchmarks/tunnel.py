"""The tunnel beside nginx stream: CPU per GB, the latency of a keystroke, memory.

Both relay TLS to the same TCP backend in the same run, in turns; nginx without WebSocket framing, and with one worker.
"""

import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import processes
from report import Goal, Row
from tunnel_ends import Backend, Plain, WebSocket

CHUNK = 64 * 1024
BURST = 16
TURN = 50


class Relay:
    """A running relay: `pid` is the process that does the work, `client` what connects to it."""

    def __init__(self, client, line, port, has_worker=False):
        self.client, self.port = client, port
        self._process = subprocess.Popen(line, stderr=subprocess.DEVNULL)
        processes.wait_for(port, self._process)
        pid = self._process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children")
        self.pid = int(children.read_text().split()[0]) if has_worker else pid

    def connect(self):
        return self.client(self.port)

    def stop(self):
        processes.end(self._process)


def start_nginx(folder, target):
    """nginx that leads to `target`, written as address:port."""
    port = processes.free_port()
    (folder / "nginx.conf").write_text(
        f"""load_module /usr/lib/nginx/modules/ngx_stream_module.so;
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.log; user root;
events {{ worker_connections 1024; }}
stream {{
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {folder}/certificate.pem;
        ssl_certificate_key {folder}/key.pem;
        ssl_protocols TLSv1.3;
        tcp_nodelay on;
        proxy_buffer_size 64k;
        proxy_pass {target};
    }}
}}
"""
    )
    line = [processes.tool("nginx"), "-c", f"{folder}/nginx.conf", "-p", str(folder)]
    return Relay(Plain, line, port, has_worker=True)


def start_ours(folder, target, programs):
    port = processes.free_port()
    line = [processes.program(programs, "tunnel-relay"), str(port), str(target)]
    return Relay(WebSocket, [*line, f"{folder}/certificate.pem", f"{folder}/key.pem"], port)


class Pair:
    """Fresh relays, ours and nginx, in front of one backend."""

    def __init__(self, programs):
        self.programs = programs

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="sallyport-bench-")
        folder = Path(self._folder.name)
        processes.make_certificate(folder)
        self.backend = Backend()
        self.relays = {}
        try:
            self.relays["nginx"] = start_nginx(folder, f"127.0.0.1:{self.backend.port}")
            self.relays["ours"] = start_ours(folder, self.backend.port, self.programs)
        except BaseException:
            self.__exit__()
            raise
        return self.relays

    def __exit__(self, *_):
        for relay in self.relays.values():
            relay.stop()
        self.backend.stop()
        self._folder.cleanup()


def upload(client, count):
    client.order(b"s", count)
    burst = client.frame(bytes(CHUNK)) * BURST
    for _ in range(count // (CHUNK * BURST)):
        client.peer.sendall(burst)
    client.receive(1)


def download(client, count):
    buffer = bytearray(1 << 20)
    client.order(b"g", count)
    client.drain(count, buffer)


def round_trips(client, count):
    """Seconds of each round trip of a keystroke's 32 bytes, on a connection that echoes."""
    times = []
    for _ in range(count):
        start = time.perf_counter()
        client.send(b"k" * 32)
        client.receive(32)
        times.append(time.perf_counter() - start)
    return times


def keystrokes(relays, count):
    """Medians in microseconds. The relays take short turns: which cores the kernel gives to whom changes a round trip
    by a factor of two, and all should meet as many of its moods."""
    clients, times = {name: relay.connect() for name, relay in relays.items()}, {name: [] for name in relays}
    for client in clients.values():
        client.order(b"e")
    for _ in range(max(1, count // TURN)):
        for name, client in clients.items():
            times[name] += round_trips(client, TURN)
    for client in clients.values():
        client.close()
    return {name: statistics.median(values) * 1e6 for name, values in times.items()}


def in_turns(relays, options):
    """CPU, speed and latency of each relay, medians of rounds in turns."""
    count = max(1, int(options.gigabytes * 1e9) // (CHUNK * BURST)) * CHUNK * BURST
    numbers = {}

    def note(row, relay, number):
        numbers.setdefault(row, {}).setdefault(relay, []).append(number)

    for _ in range(options.rounds):
        for name, relay in relays.items():
            for row, run in (("up", upload), ("down", download)):
                client = relay.connect()
                before, start = processes.processor_seconds(relay.pid), time.perf_counter()
                run(client, count)
                note(f"{row} MB/s", name, count / (time.perf_counter() - start) / 1e6)
                note(row, name, (processes.processor_seconds(relay.pid) - before) / count * 1e9)
                client.close()
        for name, median in keystrokes(relays, options.trips).items():
            note("trip", name, median)
    return {row: {name: statistics.median(values) for name, values in cells.items()} for row, cells in numbers.items()}


def speed(relays, options, what):
    """Rows about what one tunnel carries; `what` begins their names."""
    medians = in_turns(relays, options)

    def row(title, unit, key, goal=None):
        return Row(f"{what}: {title}", unit, medians[key]["ours"], medians[key]["nginx"], "nginx stream", goal)

    return [
        row("CPU, to the machine", "s/GB", "up", Goal(1.0, of_ratio=True, passes=1.3)),
        row("CPU, to the client", "s/GB", "down", Goal(1.0, of_ratio=True, passes=1.3)),
        row("one stream, to the machine", "MB/s", "up MB/s"),
        row("one stream, to the client", "MB/s", "down MB/s"),
        row("32-byte round trip, p50", "us", "trip", Goal(1.2, of_ratio=True, passes=1.4)),
    ]


def hold_idle(relay, count):
    """Tunnels that have carried something and now rest."""
    clients = [relay.connect() for _ in range(count)]
    for client in clients:
        client.order(b"e")
        client.send(b"k")
        client.receive(1)
    return clients


def stall_clients(relay, count):
    """Tunnels whose client does not read, while the machine would send without end."""
    clients = [relay.connect() for _ in range(count)]
    for client in clients:
        client.order(b"g", 1 << 40)
    time.sleep(3)
    return clients


def stall_machines(relay, count):
    """Tunnels whose machine does not read, while the client sends what it can."""
    clients = [relay.connect() for _ in range(count)]
    for client in clients:
        client.order(b"h")
        client.peer.settimeout(0.3)
        try:
            burst = client.frame(bytes(CHUNK))
            for _ in range(2000):
                client.peer.sendall(burst)
        except TimeoutError:
            continue
        raise OSError("a machine that does not read swallowed 128 MB")
    return clients


def memory(options):
    """Resident memory of fresh relays that hold tunnels."""
    rows = []
    works = [
        ("tunnel: resident, no tunnel", "KiB", 0, hold_idle),
        ("tunnel: resident, 200 idle tunnels", "KiB", 200, hold_idle),
        ("tunnel: resident, 20 clients that do not read", "KiB", 20, stall_clients),
        ("tunnel: resident, 20 machines that do not read", "KiB", 20, stall_machines),
    ]
    for title, unit, count, hold in works:
        found = {}
        with Pair(options.programs) as relays:
            for name, relay in relays.items():
                # The first connection brings in code and tables that all later ones share.
                relay.connect().close()
                clients = hold(relay, count)
                found[name] = processes.resident(relay.pid)
                for client in clients:
                    client.close()
        rows.append(Row(title, unit, found["ours"], found["nginx"], "nginx stream"))
    return rows


def rows(options):
    with Pair(options.programs) as relays:
        found = speed(relays, options, "tunnel")
    return found + memory(options)
