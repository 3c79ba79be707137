"""Both ends of a desktop without its pictures: a host that answers the connection sequence, and clients of each way.

What follows the sign-in are fast-path messages of made-up content: whoever relays them does not look inside.
"""

import itertools
import os
import random
import socket
import ssl
import struct
import zlib

from gateway_client import DATA, KEEP_ALIVE, Gateway, properties
from gateway_client import _WebSocket as Frames
from tunnel_ends import Backend, Plain, WebSocket, exactly

#: A connection request for TLS or CredSSP, and the answer that chooses TLS.
REQUEST = bytes.fromhex("030000130ee000000000000100080003000000")
CONFIRM = bytes.fromhex("030000130ed000001234000201080001000000")
PICTURE = 16_000


def update(size):
    """A fast-path message of so many bytes, and content that does not repeat."""
    return struct.pack(">BH", 0, 0x8000 | size) + os.urandom(size - 3)


def make_reel(seed=7, length=1 << 20):
    """A second of a busy desktop: mostly small messages, some pictures; the same for everybody.

    A list of what is written at once."""
    numbers, writes, count = random.Random(seed), [], 0
    while count < length:
        kind = numbers.random()
        size = numbers.randint(*((40, 400) if kind < 0.7 else (1000, 4000) if kind < 0.9 else (8000, PICTURE)))
        writes.append(struct.pack(">BH", 0, 0x8000 | size) + numbers.randbytes(size - 3))
        count += size
    return writes


REEL = make_reel()
#: What `g` sends over and over.
PICTURES = b"".join(update(PICTURE) for _ in range(64))


class Host(Backend):
    """A host in a machine: Remote Desktop, TLS or plain bytes, by what the client begins with. Then as `Backend`,
    one command after the other: `g` for so many bytes of pictures, `r` for so many turns of the reel, `s`, `e`."""

    def __init__(self, address, network, certificate, key):
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate, key)
        super().__init__(address, network)

    @property
    def pid(self):
        return self._process.pid

    def _serve(self, peer):
        try:
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            first = peer.recv(1, socket.MSG_PEEK)
            if first == b"\x03":
                message(peer)
                peer.sendall(CONFIRM)
            if first in (b"\x03", b"\x16"):
                peer = self._context.wrap_socket(peer, server_side=True)
            if first == b"\x03":
                message(peer)
                peer.sendall(connect_response())
                while message(peer)[7] != 0x64:
                    pass
            with peer:
                self._act(peer)
        except (OSError, struct.error):
            peer.close()

    def _act(self, peer):
        buffer = bytearray(1 << 16)
        while True:
            command, count = struct.unpack(">cQ", exactly(peer, 9))
            if command == b"g":
                while count > 0:
                    peer.sendall(PICTURES[: min(count, len(PICTURES))])
                    count -= len(PICTURES)
            elif command == b"r":
                for _ in range(count):
                    for write in REEL:
                        peer.sendall(write)
            elif command == b"s":
                while count > 0:
                    count -= peer.recv_into(buffer, min(count, len(buffer)))
                peer.sendall(b"k")
            elif command == b"e":
                while data := peer.recv(1 << 16):
                    peer.sendall(data)


def message(peer):
    """One whole message in its envelope."""
    head = exactly(peer, 4)
    return head + exactly(peer, struct.unpack(">H", head[2:])[0] - 4)


def envelope(content):
    return b"\x03\0" + struct.pack(">H", len(content) + 7) + b"\x02\xf0\x80" + content


def _block(kind, content):
    return struct.pack("<HH", kind, len(content) + 4) + content


def _packed(count):
    return bytes([count]) if count < 0x80 else struct.pack(">H", count | 0x8000)


def connect_initial():
    """A client's settings. Source: MS-RDPBCGR 2.2.1.3."""
    core = bytearray(230)
    core[:4], core[140], core[208] = b"\x0c\0\x08\0", 1, 1
    names = b"".join(name.ljust(8, b"\0") + b"\0\0\0\xc0" for name in (b"rdpdr", b"rdpsnd", b"cliprdr", b"drdynvc"))
    settings = _block(0xC001, bytes(core)) + _block(0xC004, bytes([9]) + bytes(7))
    settings += _block(0xC003, b"\x04\0\0\0" + names)
    request = bytes.fromhex("000800100001c000") + b"Duca" + _packed(len(settings)) + settings
    conference = bytes.fromhex("000500147c0001") + _packed(len(request)) + request
    parameters = bytes.fromhex("3003020122") * 3
    body = bytes.fromhex("0401010401010101ff") + parameters
    body += b"\x04\x82" + struct.pack(">H", len(conference)) + conference
    return envelope(b"\x7f\x65\x82" + struct.pack(">H", len(body)) + body)


def connect_response():
    """A host's settings. Source: MS-RDPBCGR 2.2.1.4."""
    settings = _block(0x0C01, bytes.fromhex("0c00080003000000")) + _block(0x0C02, bytes(8))
    settings += _block(0x0C03, b"\xeb\x03\0\0")
    conference = bytes.fromhex("000500147c00012a14760a01010001c000") + b"McDn" + _packed(len(settings)) + settings
    body = bytes.fromhex("0a01000201003003020122") + b"\x04\x82" + struct.pack(">H", len(conference)) + conference
    return envelope(b"\x7f\x66\x82" + struct.pack(">H", len(body)) + body)


def joining():
    """Erect domain, attach user, join a channel, and the sign-in, whose password the server replaces."""
    fields = [text.encode("utf-16-le") for text in ("", "somebody", "", "", "")]
    body = bytes.fromhex("4000000009040000f3470b00") + b"".join(struct.pack("<H", len(field)) for field in fields)
    body += b"".join(field + b"\0\0" for field in fields) + bytes(272)
    info = envelope(bytes.fromhex("64000603eb70") + _packed(len(body)) + body)
    return [envelope(b"\x04\1\0\1\0"), envelope(b"\x28"), envelope(b"\x38\0\7\3\xeb"), info]


class Wire:
    """A TCP connection that can hold back what is sent, so that it goes later, as fast as it is taken."""

    def __init__(self, address):
        self._peer, self._held = socket.create_connection(address, timeout=120), None
        self._peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.recv, self.close = self._peer.recv, self._peer.close

    def hold(self):
        self._held = []

    def release(self):
        held, self._held = self._held, None
        self._peer.sendall(b"".join(held))

    def sendall(self, data):
        if self._held is None:
            self._peer.sendall(data)
        else:
            self._held.append(data)


class Nested(Plain):
    """TLS inside something that carries bytes; `wire` is what is below everything."""

    def __init__(self, below, wire, name=None, authority=None):
        self._below, self.wire = below, wire
        context = ssl.create_default_context(cafile=authority)
        if not authority:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_hostname=name)
        while True:
            try:
                self._tls.do_handshake()
                return self._flush()
            except ssl.SSLWantReadError:
                self._flush()
                self._take()

    def _flush(self):
        if self._out.pending:
            self._below.sendall(self._out.read())

    def _take(self):
        data = self._below.recv(1 << 16)
        if data:
            self._in.write(data)
        else:
            self._in.write_eof()

    def sendall(self, data):
        self._tls.write(data)
        self._flush()

    send = sendall

    def recv(self, count):
        """Some bytes, at most so many."""
        while True:
            try:
                return self._tls.read(count)
            except ssl.SSLWantReadError:
                self._take()

    read = recv

    def receive(self, count):
        return exactly(self, count)

    def drain(self, count, buffer):
        while count > 0:
            count -= len(self.read(len(buffer)))

    def close(self):
        self._below.close()


class Direct(Nested):
    """TLS to the host itself, or to what passes bytes on to it."""

    def __init__(self, port, address="127.0.0.1"):
        wire = Wire((address, port))
        super().__init__(wire, wire)


class TwoLayers(Nested):
    """TLS inside TLS: what a desktop through a gateway is, without any framing."""

    def __init__(self, port):
        outer = Direct(port)
        super().__init__(outer, outer.wire)


class Packets:
    """The desktop's bytes in packets of the gateway: those in WebSocket frames, and those in TLS."""

    def __init__(self, gateway):
        self._gateway, self.close = gateway, gateway.close

    def sendall(self, data):
        for start in range(0, len(data), 0xF000):
            self._gateway.write(data[start : start + 0xF000])

    def recv(self, _):
        kind = KEEP_ALIVE
        while kind == KEEP_ALIVE:
            kind, body = self._gateway.receive()
        if kind != DATA:
            raise OSError(f"the gateway sent {kind:#x} instead of bytes: {body.decode('utf-16-le', errors='replace')}")
        return body[2:]


class Desktop(Nested):
    """A desktop through the gateway, signed in: TLS, WebSocket frames, gateway packets, TLS."""

    def __init__(self, gateway, token, name, port):
        client = gateway.websocket()
        client.transport = Masked(client.transport)
        client.open(token, name, port)
        packets = Packets(client)
        packets.sendall(REQUEST)
        if packets.recv(len(CONFIRM))[:4] != CONFIRM[:4]:
            raise OSError("the front did not confirm")
        super().__init__(packets, client.transport.stream.wire)
        self.send(connect_initial())
        message(self)
        for step in joining():
            self.send(step)


class Entry(Gateway):
    """The gateway, by connections that can hold back what is sent."""

    def _open(self):
        wire = Wire(self.address)
        return Nested(wire, wire, self.name, self.authority)


class Masked(Frames):
    """The tests' WebSocket with a mask that is fast to put on."""

    def __init__(self, made):
        super().__init__(made.stream, made.raw)

    def send(self, data):
        self.stream.sendall(WebSocket.frame(self, data))


class DesktopMaker:
    """Desktops of some people in turns, on one port of a machine; `pid` is the server's."""

    def __init__(self, services, pid, machine, port, authority):
        self._services, self.pid, self._machine, self._port = itertools.cycle(services), pid, machine, port
        self._gateway = Entry(services[0].host, authority)

    def connect(self):
        found = properties(next(self._services).connection_file(self._machine, self._port))
        token = found.get("gatewayaccesstoken") or found["GatewayAccessToken"]
        return Desktop(self._gateway, token, found["full address"], self._port)


def missing(client, turns):
    """How many bytes of so many turns of the reel did not come as they were sent; all of them when one is wrong."""
    wanted, length = 0, 0
    for _ in range(turns):
        for write in REEL:
            wanted, length = zlib.crc32(write, wanted), length + len(write)
    got, left = 0, length
    while left > 0:
        piece = client.read(1 << 16)
        if not piece:
            break
        got, left = zlib.crc32(piece, got), left - len(piece)
    return left if left > 0 or got == wanted else length
