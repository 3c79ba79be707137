"""Both ends of a relayed connection: the TCP backend behind it and the TLS clients in front."""

import base64
import ctypes
import multiprocessing
import os
import socket
import ssl
import struct
import threading

MASK = b"\x37\xfa\x21\x3d"


def exactly(peer, count):
    data = b""
    while len(data) < count:
        more = peer.recv(count - len(data))
        if not more:
            raise OSError("closed")
        data += more
    return data


def enter(network):
    """Moves this process into a network namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open(network) as file:
        if libc.setns(file.fileno(), 0x40000000) != 0:
            raise OSError(ctypes.get_errno(), f"cannot enter {network}")


class Backend:
    """A server in a process of its own, in the network namespace of the path `network` if one is named.

    A connection's first nine bytes are a command and a count.
    """

    def __init__(self, address="127.0.0.1", network=None):
        self.address, self._network = address, network
        ready = multiprocessing.Queue()
        self._process = multiprocessing.Process(target=self._run, args=(ready,), daemon=True)
        self._process.start()
        self.port = ready.get(timeout=30)

    def stop(self):
        self._process.kill()
        self._process.join()

    def _run(self, ready):
        if self._network:
            enter(self._network)
        with socket.create_server((self.address, 0), backlog=512) as listener:
            ready.put(listener.getsockname()[1])
            while True:
                peer, _ = listener.accept()
                threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer):
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with peer:
            try:
                command, count = struct.unpack(">cQ", exactly(peer, 9))
                if command == b"s":  # sink: read so much, say so
                    buffer = bytearray(1 << 20)
                    while count > 0:
                        count -= peer.recv_into(buffer, min(count, len(buffer)))
                    peer.sendall(b"k")
                    peer.recv(1)
                elif command == b"g":  # generate so much
                    zeros = bytes(1 << 20)
                    while count > 0:
                        peer.sendall(zeros[: min(count, len(zeros))])
                        count -= min(count, len(zeros))
                    peer.recv(1)
                elif command == b"e":  # echo
                    while data := peer.recv(65536):
                        peer.sendall(data)
                elif command == b"h":  # hold: never read
                    threading.Event().wait()
            except (OSError, struct.error):
                pass


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

    def order(self, command, count=0):
        """Tells the backend what to do with this connection."""
        self.send(command + struct.pack(">Q", count))

    def send(self, data):
        self.peer.sendall(self.frame(data))

    def receive(self, count):
        return exactly(self.peer, count)

    def drain(self, count, buffer):
        """Reads so many bytes, framing included, and throws them away."""
        while count > 0:
            got = self.peer.recv_into(buffer)
            if got == 0:
                raise OSError("closed")
            count -= got

    def close(self):
        self.peer.close()


class WebSocket(Plain):
    """The same connection with WebSocket frames: what the tunnel relays."""

    def __init__(self, port, path="/tunnel", host="localhost"):
        super().__init__(port)
        key = base64.b64encode(os.urandom(16)).decode()
        self.peer.sendall(
            f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += exactly(self.peer, 1)
        if not head.startswith(b"HTTP/1.1 101 "):
            raise OSError(head.decode())

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
