#!/usr/bin/env python3
"""Measures the tunnel beside nginx stream: CPU seconds per GB in both directions, and the latency of a keystroke.

Both relay TLS to the same TCP backend in the same run, in turns; nginx without WebSocket framing. Compare the two
columns of one run, and prefer CPU to throughput: the load generator runs on the same cores.

    Benchmarks/tunnel.py [--relay .build/release/tunnel-relay] [--gigabytes 1] [--rounds 5] [--check]
"""
import argparse
import base64
import json
import multiprocessing
import os
import pathlib
import socket
import ssl
import statistics
import struct
import subprocess
import sys
import tempfile
import time

CHUNK = 64 * 1024
BURST = 16
MASK = b"\x37\xfa\x21\x3d"


def backend(ready):
    """Serves one TCP connection at a time in a process of its own; the first byte says what to do."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ready.put(listener.getsockname()[1])
        buffer = bytearray(1 << 20)
        zeros = bytes(1 << 20)
        while True:
            peer, _ = listener.accept()
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with peer:
                try:
                    command = peer.recv(1)
                    (count,) = struct.unpack(">Q", exactly(peer, 8)) if command else (0,)
                    if command == b"s":  # sink: read so much, say so
                        while count > 0:
                            count -= peer.recv_into(buffer, min(count, len(buffer)))
                        peer.sendall(b"k")
                        peer.recv(1)
                    elif command == b"g":  # generate so much
                        while count > 0:
                            peer.sendall(zeros[: min(count, len(zeros))])
                            count -= min(count, len(zeros))
                        peer.recv(1)
                    elif command == b"e":  # echo
                        while data := peer.recv(65536):
                            peer.sendall(data)
                except OSError:
                    pass


def exactly(peer, count):
    data = b""
    while len(data) < count:
        more = peer.recv(count - len(data))
        if not more:
            raise OSError("closed")
        data += more
    return data


class Plain:
    """A TLS connection as it is: what nginx relays."""

    def __init__(self, port):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        raw = socket.create_connection(("127.0.0.1", port), timeout=120)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.peer = context.wrap_socket(raw, server_hostname="localhost")

    def frame(self, data):
        return data

    def send(self, data):
        self.peer.sendall(self.frame(data))

    def receive(self, count):
        return exactly(self.peer, count)

    def drain(self, count, buffer):
        while count > 0:
            got = self.peer.recv_into(buffer)
            if got == 0:
                raise OSError("closed")
            count -= got

    def close(self):
        self.peer.close()


class WebSocket(Plain):
    """The same connection with WebSocket frames: what the tunnel relays."""

    def __init__(self, port):
        super().__init__(port)
        key = base64.b64encode(os.urandom(16)).decode()
        self.peer.sendall(
            f"GET /tunnel HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += exactly(self.peer, 1)
        if not head.startswith(b"HTTP/1.1 101 "):
            raise SystemExit(head.decode())

    def frame(self, data):
        count = len(data)
        if count <= 125:
            head = struct.pack(">BB", 0x82, 0x80 | count)
        elif count <= 0xFFFF:
            head = struct.pack(">BBH", 0x82, 0xFE, count)
        else:
            head = struct.pack(">BBQ", 0x82, 0xFF, count)
        mask = int.from_bytes(MASK * (count // 4 + 1), "big") >> (8 * (4 - count % 4))
        return head + MASK + (int.from_bytes(data, "big") ^ mask).to_bytes(count, "big")

    def receive(self, count):
        data = b""
        while len(data) < count:
            opcode, length = exactly(self.peer, 2)
            if length == 126:
                (length,) = struct.unpack(">H", exactly(self.peer, 2))
            elif length == 127:
                (length,) = struct.unpack(">Q", exactly(self.peer, 8))
            payload = exactly(self.peer, length)
            if opcode == 0x82:
                data += payload
        return data


def cpu(pid):
    """CPU seconds of a process so far."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid):
    """Resident memory of a process in KiB."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


def upload(client, count):
    client.send(b"s" + struct.pack(">Q", count))
    burst = client.frame(bytes(CHUNK)) * BURST
    start = time.perf_counter()
    for _ in range(count // (CHUNK * BURST)):
        client.peer.sendall(burst)
    client.receive(1)
    return time.perf_counter() - start


def download(client, count):
    buffer = bytearray(1 << 20)
    start = time.perf_counter()
    client.send(b"g" + struct.pack(">Q", count))
    client.drain(count, buffer)
    return time.perf_counter() - start


def latency(client, count):
    client.send(b"e" + bytes(8))
    times = []
    for _ in range(count):
        start = time.perf_counter()
        client.send(b"k" * 32)
        client.receive(32)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def wait_for(port):
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"nothing listens on port {port}")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def start_nginx(folder, target):
    port = free_port()
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
        proxy_pass 127.0.0.1:{target};
    }}
}}
"""
    )
    process = subprocess.Popen(["nginx", "-c", f"{folder}/nginx.conf", "-p", str(folder)])
    wait_for(port)
    children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return process, port, int(children.read_text().split()[0])


def start_relay(folder, target, program):
    port = free_port()
    process = subprocess.Popen([program, str(port), str(target), f"{folder}/certificate.pem", f"{folder}/key.pem"])
    wait_for(port)
    return process, port, process.pid


def measure(relays, options):
    """Rows of name -> relay -> list of numbers, in turns."""
    count = max(1, int(options.gigabytes * 1e9) // (CHUNK * BURST)) * CHUNK * BURST
    rows = {}

    def note(row, relay, number):
        rows.setdefault(row, {}).setdefault(relay, []).append(number)

    for _ in range(options.rounds):
        for name, (kind, port, pid) in relays.items():
            for row, run in (("to the target", upload), ("to the client", download)):
                client = kind(port)
                before = cpu(pid)
                seconds = run(client, count)
                note(f"CPU s/GB, {row}", name, (cpu(pid) - before) / count * 1e9)
                note(f"MB/s, {row}", name, count / seconds / 1e6)
                client.close()
            client = kind(port)
            note("p50 us, 32 byte round trip", name, latency(client, options.trips) * 1e6)
            client.close()
            note("resident KiB", name, memory(pid))
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--relay", default=".build/release/tunnel-relay")
    parser.add_argument("--gigabytes", type=float, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--trips", type=int, default=3000)
    parser.add_argument("--check", action="store_true", help="fail when the tunnel is slower than its goals")
    options = parser.parse_args()

    ready = multiprocessing.Queue()
    server = multiprocessing.Process(target=backend, args=(ready,), daemon=True)
    server.start()
    target = ready.get()
    started = []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
             "-subj", "/CN=localhost", "-keyout", folder / "key.pem", "-out", folder / "certificate.pem"],
            check=True, capture_output=True,
        )
        try:
            nginx, nginx_port, nginx_pid = start_nginx(folder, target)
            started.append(nginx)
            relay, relay_port, relay_pid = start_relay(folder, target, options.relay)
            started.append(relay)
            ciphers = {Plain(nginx_port).peer.cipher()[0], WebSocket(relay_port).peer.cipher()[0]}
            print("cipher:", " / ".join(sorted(ciphers)))
            rows = measure(
                {"nginx": (Plain, nginx_port, nginx_pid), "tunnel": (WebSocket, relay_port, relay_pid)}, options
            )
        finally:
            for process in started:
                process.terminate()
                process.wait()
            server.terminate()

    medians = {row: {name: statistics.median(values) for name, values in cells.items()} for row, cells in rows.items()}
    print(f"{'':32}{'nginx':>12}{'tunnel':>12}{'ratio':>8}")
    for row, cells in medians.items():
        print(f"{row:32}{cells['nginx']:12.2f}{cells['tunnel']:12.2f}{cells['tunnel'] / max(cells['nginx'], 1e-9):8.2f}")
    print(json.dumps(medians))
    limits = {"CPU s/GB, to the target": 1.0, "CPU s/GB, to the client": 1.0, "p50 us, 32 byte round trip": 1.2}
    slow = [row for row, limit in limits.items() if medians[row]["tunnel"] > limit * medians[row]["nginx"]]
    if options.check and slow:
        sys.exit("slower than the goal: " + ", ".join(slow))


if __name__ == "__main__":
    main()
