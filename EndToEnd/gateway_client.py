"""A Remote Desktop gateway's client, packet by packet, over a WebSocket or a pair of connections (MS-TSGU).

It does as FreeRDP does, down to the WebSocket key that is no base 64, and lets a test do anything else at each step.
"""

import base64
import contextlib
import hashlib
import os
import socket
import ssl
import struct
import uuid

HANDSHAKE, TUNNEL, AUTHORIZATION, CHANNEL, DATA = 0x01, 0x04, 0x06, 0x08, 0x0A
SERVICE_MESSAGE, REAUTHENTICATE, KEEP_ALIVE, CLOSE, CLOSED = 0x0B, 0x0C, 0x0D, 0x10, 0x11
OK = 0
TOKEN_REFUSED, TARGET_DENIED, PERSON_DENIED = 0x800759F8, 0x800759DA, 0x800759DB
UNREACHABLE, INTERNAL, NOT_SUPPORTED, TIMED_OUT = 0x800759DD, 0x800759D8, 0x800759F9, 0x800759F6
#: The capabilities of a client that cannot show service messages.
MUTE = 0x5

#: The first bytes of a real desktop connection: an X.224 connection request for TLS or CredSSP.
REQUEST = bytes.fromhex("030000130ee000000000000100080003000000")


class Refused(Exception):
    """The server answered with something else than success: the HTTP status, or the code in a packet."""

    def __init__(self, code, text=""):
        self.code = code
        self.text = text
        super().__init__(f"{code:#x} {text}")


class Ended(Exception):
    """The server closed the connection."""


def text16(text):
    data = (text + "\0").encode("utf-16-le")
    return struct.pack("<H", len(data)) + data


def packet(kind, body=b""):
    return struct.pack("<HHI", kind, 0, len(body) + 8) + body


def tls(address, authority, name, source=None):
    context = ssl.create_default_context(cafile=str(authority))
    bound = (source, 0) if source else None
    return context.wrap_socket(socket.create_connection(address, 20, bound), server_hostname=name)


def head(stream):
    """Reads an answer's head: the status and what follows it already."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = stream.recv(4096)
        if not piece:
            raise Ended(data)
        data += piece
    top, rest = data.split(b"\r\n\r\n", 1)
    return int(top.split()[1]), top.decode().lower(), rest


class Gateway:
    """Where the gateway is, and how its clients connect."""

    def __init__(self, dns_name, authority, source=None):
        self.name, _, port = dns_name.partition(":")
        self.address = (self.name, int(port or 443))
        self.authority = authority
        self.source = source

    def _open(self):
        return tls(self.address, self.authority, self.name, self.source)

    def _request(self, method, connection, extra):
        fields = {
            "Cache-Control": "no-cache",
            "Accept": "*/*",
            "User-Agent": "MS-RDGateway/1.0",
            "Host": self.name,
            "RDG-Connection-Id": f"{{{connection}}}",
            "RDG-Auth-Scheme": "PAA",
            **extra,
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value is not None)
        return f"{method} /remoteDesktopGateway/ HTTP/1.1\r\n{lines}\r\n".encode()

    def websocket(self, **extra):
        stream = self._open()
        key = "[\\]_^@ABCDEFGHI"
        upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-Websocket-Version": "13"}
        upgrade |= {"Sec-Websocket-Key": key, "Content-Length": "0", **extra}
        stream.sendall(self._request("RDG_OUT_DATA", uuid.uuid4(), upgrade))
        status, top, rest = head(stream)
        if status != 101:
            while piece := stream.recv(4096):
                rest += piece
            raise Refused(status, top + "\r\n\r\n" + rest.decode(errors="replace"))
        wanted = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
        assert base64.b64encode(wanted).decode().lower() in top
        return Client(_WebSocket(stream, rest))

    def out(self, connection, **extra):
        """The way out: the stream and what came behind the answer's head."""
        stream = self._open()
        stream.sendall(
            self._request("RDG_OUT_DATA", connection, {"Connection": "Keep-Alive", "Content-Length": "0"} | extra)
        )
        status, top, rest = head(stream)
        if status != 200:
            raise Refused(status, top)
        assert "content-length" not in top and "transfer-encoding" not in top
        return stream, rest

    def into(self, connection):
        """The way in, after its two requests."""
        stream = self._open()
        stream.sendall(self._request("RDG_IN_DATA", connection, {"Content-Length": "0"}))
        status, top, rest = head(stream)
        if status != 200:
            raise Refused(status, top)
        assert "content-length: 0" in top and not rest
        stream.sendall(self._request("RDG_IN_DATA", connection, {"Transfer-Encoding": "chunked"}))
        return stream

    def pair(self):
        connection = uuid.uuid4()
        out, rest = self.out(connection)
        return Client(_Pair(out, rest, self.into(connection)))


class _WebSocket:
    def __init__(self, stream, rest):
        self.stream = stream
        self.raw = rest

    def send(self, data):
        mask = os.urandom(4)
        size = len(data)
        length = bytes([0x80 | size]) if size < 126 else (bytes([0x80 | 126]) + struct.pack(">H", size))
        if size > 0xFFFF:
            length = bytes([0x80 | 127]) + struct.pack(">Q", size)
        masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(data))
        self.stream.sendall(b"\x82" + length + mask + masked)

    def _take(self, count):
        while len(self.raw) < count:
            piece = self.stream.recv(65536)
            if not piece:
                raise Ended
            self.raw += piece
        taken, self.raw = self.raw[:count], self.raw[count:]
        return taken

    def receive(self):
        first, second = self._take(2)
        size = second & 0x7F
        if size == 126:
            (size,) = struct.unpack(">H", self._take(2))
        elif size == 127:
            (size,) = struct.unpack(">Q", self._take(8))
        payload = self._take(size)
        if first & 0x0F == 8:
            raise Ended
        return payload

    def close(self):
        self.stream.close()


class _Pair:
    def __init__(self, out, rest, into):
        self.stream = out
        self.into = into
        while len(rest) < 10:
            piece = out.recv(10 - len(rest))
            if not piece:
                raise Ended
            rest += piece
        assert rest[:10] == b"\xab\xcd" * 5
        self.rest = rest[10:]

    def send(self, data):
        self.into.sendall(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def receive(self):
        if self.rest:
            data, self.rest = self.rest, b""
            return data
        data = self.stream.recv(65536)
        if not data:
            raise Ended
        return data

    def close(self):
        self.into.close()
        self.stream.close()


class Client:
    """One connection to the gateway."""

    def __init__(self, transport):
        self.transport = transport
        self.held = b""
        self.messages = []

    def send(self, kind, body=b""):
        self.transport.send(packet(kind, body))

    def receive(self):
        """The next packet's type and body."""
        while True:
            if len(self.held) >= 8:
                kind, _, length = struct.unpack_from("<HHI", self.held)
                if len(self.held) >= length:
                    body, self.held = self.held[8:length], self.held[length:]
                    return kind, body
            self.held += self.transport.receive()

    def expect(self, kind):
        """The next packet of a type; messages and signs of life before it are taken note of."""
        while True:
            got, body = self.receive()
            if got == SERVICE_MESSAGE:
                self.messages.append(body[2:].decode("utf-16-le").rstrip("\0"))
            elif got != KEEP_ALIVE:
                assert got == kind, f"{got:#x} instead of {kind:#x}"
                return body

    @staticmethod
    def _checked(body, place):
        (code,) = struct.unpack_from("<I", body, place)
        if code != OK:
            raise Refused(code)
        return body

    def handshake(self, authentication=2):
        self.send(HANDSHAKE, struct.pack("<BBHH", 1, 0, 0, authentication))
        return self._checked(self.expect(0x02), 0)

    def tunnel(self, token, capabilities=0xD, context=None):
        fields = (1 if token is not None else 0) | (2 if context is not None else 0)
        body = struct.pack("<IHH", capabilities, fields, 0) + (text16(token) if token is not None else b"")
        self.send(TUNNEL, body + (struct.pack("<Q", context) if context is not None else b""))
        return self._checked(self.expect(0x05), 2)

    def authorize(self, machine="pc"):
        self.send(AUTHORIZATION, struct.pack("<H", 0) + text16(machine))
        return self._checked(self.expect(0x07), 0)

    def channel(self, name, port):
        self.send(CHANNEL, struct.pack("<BBHH", 1, 0, port, 3) + text16(name))
        return self._checked(self.expect(0x09), 0)

    def open(self, token, name, port=3389, **options):
        """Everything up to the open desktop."""
        self.handshake()
        self.tunnel(token, **options)
        self.authorize()
        self.channel(name, port)
        return self

    def write(self, data):
        self.send(DATA, struct.pack("<H", len(data)) + data)

    def read(self, count):
        """That many bytes of the desktop."""
        data = b""
        while len(data) < count:
            body = self.expect(DATA)
            data += body[2 : 2 + struct.unpack_from("<H", body)[0]]
        return data

    def closing(self):
        """Waits for the server's goodbye; its code."""
        code = struct.unpack("<I", self.expect_closing())[0]
        with contextlib.suppress(OSError):
            self.send(CLOSED, struct.pack("<I", 0))
        return code

    def expect_closing(self):
        while True:
            kind, body = self.receive()
            if kind == SERVICE_MESSAGE:
                self.messages.append(body[2:].decode("utf-16-le").rstrip("\0"))
            elif kind == CLOSE:
                return body

    def close(self):
        self.transport.close()


def properties(file):
    """An `.rdp` file's properties."""
    found = {}
    for line in file.splitlines():
        name, kind, value = line.split(":", 2)
        found[name] = int(value) if kind == "i" else value
    return found
