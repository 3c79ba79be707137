"""A desktop client that signs in with an organisation's account over its connection, up to the desktop's first answer.

Does literally what FreeRDP 3 does with `/sec:aad`, with the assertion that `rds_aad` makes.
"""

import json
import ssl
import struct

from gateway_client import DATA, KEEP_ALIVE, SERVICE_MESSAGE, Ended

RDSAAD = 0x10
OK = 0
INVALID_TOKEN = 0x80090308
ACCESS_DENIED = 0x80070005


class WebSocketStream:
    """RDP bytes in the frames of a tunnel WebSocket, as FreeRDP 3 sends them with `/gateway:url:wss://…`."""

    def __init__(self, connection):
        self.connection = connection

    def send(self, data):
        self.connection.send_binary(data)

    def receive(self):
        """The next bytes; empty at the end."""
        try:
            return self.connection.recv() or b""
        except Exception as error:  # whatever way the library says that it is over
            if "closed" in str(error).lower() or "lost" in str(error).lower():
                return b""
            raise

    def close(self):
        self.connection.close()


class GatewayStream:
    """RDP bytes through the gateway, in the packets of a client of gateway_client's."""

    def __init__(self, client):
        self.client = client

    def send(self, data):
        for start in range(0, len(data), 0xFFFF):
            self.client.write(data[start : start + 0xFFFF])

    def receive(self):
        """The next bytes; empty at the end."""
        try:
            kind, body = self.client.receive()
            while kind in (SERVICE_MESSAGE, KEEP_ALIVE):
                kind, body = self.client.receive()
        except (Ended, OSError):
            return b""
        return body[2:] if kind == DATA else b""

    def close(self):
        self.client.close()


class Closed(Exception):
    """The other side has gone."""


class DesktopConnection:
    """An RDP connection over a stream, by hand."""

    def __init__(self, stream, host, authority):
        self.stream = stream
        self.host = host
        self.authority = str(authority)
        self.tls = None
        self.pending = b""

    def negotiate(self, protocols=RDSAAD):
        """X.224; returns the protocol that was selected, or minus the failure code."""
        request = struct.pack("<BBHI", 1, 0, 8, protocols)
        body = bytes([6 + len(request), 0xE0, 0, 0, 0, 0, 0]) + request
        self.stream.send(struct.pack(">BBH", 3, 0, 4 + len(body)) + body)
        answer = self.read_packet()
        kind, _, _, value = struct.unpack("<BBHI", answer[11:19])
        return value if kind == 2 else -value

    def start_tls(self):
        """TLS to the front, whose certificate has to bear the machine's name."""
        context = ssl.create_default_context(cafile=self.authority)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname=self.host)
        if self.pending:
            self.incoming.write(self.pending)
            self.pending = b""
        self._turn(self.tls.do_handshake)

    def _turn(self, step):
        while True:
            try:
                result = step()
            except ssl.SSLWantReadError:
                self._flush()
                data = self.stream.receive()
                if not data:
                    raise Closed from None
                self.incoming.write(data)
            else:
                self._flush()
                return result

    def _flush(self):
        if data := self.outgoing.read():
            self.stream.send(data)

    def read_some(self):
        """Whatever comes next."""
        if not self.tls:
            data = self.stream.receive()
        else:
            try:
                data = self._turn(lambda: self.tls.read(65536))
            except ssl.SSLZeroReturnError:
                data = b""
        if not data:
            raise Closed
        return data

    def read_packet(self):
        """One TPKT."""
        while len(self.pending) < 4 or len(self.pending) < struct.unpack(">H", self.pending[2:4])[0]:
            self.pending += self.read_some()
        length = struct.unpack(">H", self.pending[2:4])[0]
        packet, self.pending = self.pending[:length], self.pending[length:]
        return packet

    def write(self, data):
        self._turn(lambda: self.tls.write(data))

    def read_document(self):
        """JSON up to a zero byte."""
        while b"\0" not in self.pending:
            self.pending += self.read_some()
        document, self.pending = self.pending.split(b"\0", 1)
        return json.loads(document)

    def read_nonce(self):
        """The connection's nonce, after the negotiation and TLS."""
        assert self.negotiate() == RDSAAD
        self.start_tls()
        return self.read_document()["ts_nonce"]

    def present(self, assertion):
        """Sends an assertion; returns the result as an unsigned number."""
        self.write(json.dumps({"rdp_assertion": assertion}).encode() + b"\0")
        return self.read_document()["authentication_result"] & 0xFFFFFFFF

    def sign_in(self, person, **changes):
        """The sign-in of somebody, spoiled by `changes`; returns the result."""
        nonce = changes.pop("nonce", None)
        own = self.read_nonce()
        return self.present(person.assertion(nonce or own, **changes))

    def connect(self):
        """MCS; returns the Connect Response that comes from the desktop."""
        self.write(connect_initial(RDSAAD))
        return self.read_packet()


def connect_initial(selected):
    """An MCS Connect Initial of an ordinary client, in TPKT and X.224."""
    core = struct.pack("<IHHHHII", 0x00080004, 1024, 768, 0xCA01, 0xAA03, 0x409, 2600)
    core += "tests".encode("utf-16-le").ljust(32, b"\0") + struct.pack("<III", 4, 0, 12) + bytes(64)
    core += struct.pack("<HHIHHH", 0xCA01, 1, 0, 24, 7, 1) + bytes(64) + struct.pack("<BBI", 0, 0, selected)
    network = struct.pack("<I", 1) + b"cliprdr\0" + struct.pack("<I", 0xC0A00000)
    blocks = b"".join(
        struct.pack("<HH", kind, 4 + len(body)) + body
        for kind, body in ((0xC001, core), (0xC002, bytes(8)), (0xC003, network))
    )
    conference = bytes.fromhex("000800100001c000") + b"Duca" + struct.pack(">H", 0x8000 | len(blocks)) + blocks
    conference = bytes.fromhex("000500147c0001") + struct.pack(">H", 0x8000 | len(conference)) + conference

    def tagged(tag, body):
        length = len(body)
        size = bytes([length]) if length < 0x80 else b"\x82" + struct.pack(">H", length)
        return tag + size + body

    def integers(*values):
        out = b""
        for value in values:
            out += tagged(b"\x02", value.to_bytes(value.bit_length() // 8 + 1, "big"))
        return tagged(b"\x30", out)

    body = tagged(b"\x04", b"\x01") + tagged(b"\x04", b"\x01") + tagged(b"\x01", b"\xff")
    body += integers(34, 2, 0, 1, 0, 1, 65535, 2) + integers(1, 1, 1, 1, 0, 1, 1056, 2)
    body += integers(65535, 64535, 65535, 1, 0, 1, 65535, 2) + tagged(b"\x04", conference)
    message = bytes.fromhex("02f080") + tagged(b"\x7f\x65", body)
    return struct.pack(">BBH", 3, 0, 4 + len(message)) + message


def server_core(response):
    """The protocols that the Connect Response says the client asked for; the client compares them with its own."""
    at = response.index(b"\x01\x0c")
    length, _, protocols = struct.unpack("<HII", response[at + 2 : at + 12])
    assert length >= 12
    return protocols
