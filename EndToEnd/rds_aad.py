"""A desktop client that signs in with an organisation's account (RDS AAD Auth), up to the first answer of the desktop.

Does literally what FreeRDP 3 does with `/sec:aad`: discovery, the authorize pages, a token bound to a fresh key, a
nonce of the authority, the assertion over the connection. Every part can be spoiled by a test.
"""

import base64
import hashlib
import html
import json
import re
import ssl
import struct
import time
import urllib.parse

import requests
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from gateway_client import DATA, KEEP_ALIVE, SERVICE_MESSAGE, Ended

REMOTE_DESKTOP = "a85cf173-4192-42f8-81fa-777a763e6e2c"
RDSAAD = 0x10
OK = 0
INVALID_TOKEN = 0x80090308
ACCESS_DENIED = 0x80070005
LOGON_FAILURE = 0xC000006D


def encoded(data):
    """Base 64 for URLs, without padding."""
    return base64.urlsafe_b64encode(data if isinstance(data, bytes) else data.encode()).rstrip(b"=").decode()


def number(value):
    """An integer of a JSON Web Key."""
    return encoded(value.to_bytes((value.bit_length() + 7) // 8, "big"))


class ProofKey:
    """The client's key, made anew for each sign-in."""

    def __init__(self, bits=2048):
        self.private = rsa.generate_private_key(public_exponent=65537, key_size=bits)
        numbers = self.private.public_key().public_numbers()
        self.jwk = {"kty": "RSA", "e": number(numbers.e), "n": number(numbers.n)}
        canonical = f'{{"e":"{self.jwk["e"]}","kty":"RSA","n":"{self.jwk["n"]}"}}'
        self.thumbprint = encoded(hashlib.sha256(canonical.encode()).digest())
        self.confirmation = encoded(json.dumps({"kid": self.thumbprint}))

    def sign(self, header, claims):
        """A compact JWS."""
        signed = encoded(json.dumps(header)) + "." + encoded(json.dumps(claims))
        signature = self.private.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return signed + "." + encoded(signature)


def resource(host):
    """The desktop of a machine as a resource."""
    return f"ms-device-service://termsrv.wvd.microsoft.com/name/{host}"


class Page:
    """A page of the sign-in service: what a person reads, and the form there is."""

    def __init__(self, answer):
        self.status = answer.status_code
        self.html = answer.text
        self.location = answer.headers.get("Location")
        self.text = html.unescape(re.sub(r"<[^>]*>", " ", answer.text))

    @property
    def flow(self):
        """The token that stands in the form."""
        return re.search(r'name="flow" value="([^"]*)"', self.html).group(1)

    @property
    def code(self):
        """The code that the browser was sent away with; None when it was sent away without."""
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.location or "").query)
        return query.get("code", [None])[0]


class Browser:
    """A person's browser, which remembers who signed in."""

    def __init__(self, url, authority, tenant="common"):
        self.url = url
        self.http = requests.Session()
        self.http.verify = str(authority)
        self.http.trust_env = False
        discovery = f"{url}/{tenant}/v2.0/.well-known/openid-configuration"
        self.endpoints = self.http.get(discovery, timeout=20).json()
        self.redirect = f"{url}/{tenant}/oauth2/nativeclient"

    def authorize(self, host, **more):
        """The page, or the address the browser is sent to, that the client's address leads to."""
        query = {
            "client_id": REMOTE_DESKTOP,
            "response_type": "code",
            "scope": f"{resource(host)}/user_impersonation",
            "redirect_uri": self.redirect,
            **more,
        }
        address = f"{self.endpoints['authorization_endpoint']}?{urllib.parse.urlencode(query)}"
        return Page(self.http.get(address, allow_redirects=False, timeout=20))

    def press(self, page, action, **fields):
        """Answers a form."""
        form = {"flow": page.flow, "action": action, **fields}
        return Page(self.http.post(f"{self.url}/signin", data=form, allow_redirects=False, timeout=20))

    def sign_in(self, host, upn, password, answer="confirm"):
        """The whole way for somebody: name and password, and an answer to the question whether to connect."""
        page = self.press(self.authorize(host), "signin", username=upn, password=password)
        return self.press(page, answer) if "Allow remote desktop connection" in page.text else page


class Authority:
    """The token endpoint as a desktop client asks it."""

    def __init__(self, browser):
        self.browser = browser
        self.endpoint = browser.endpoints["token_endpoint"]

    def post(self, **form):
        """One request; the answer as it came."""
        return self.browser.http.post(self.endpoint, data=form, timeout=20)

    def nonce(self):
        """A nonce for one assertion."""
        return self.post(grant_type="srv_challenge").json()["Nonce"]

    def redeem(self, host, code, key, **more):
        """The answer to a code."""
        return self.post(
            grant_type="authorization_code",
            code=code,
            client_id=REMOTE_DESKTOP,
            scope=f"{resource(host)}/user_impersonation",
            redirect_uri=self.browser.redirect,
            req_cnf=key.confirmation,
            **more,
        )


class SignedIn:
    """Somebody who has signed in for a machine: a token and the key that it is bound to."""

    def __init__(self, world, name, host, browser=None):
        self.host = host
        self.key = ProofKey()
        self.browser = browser or Browser(world.url, world.server.authority)
        self.authority = Authority(self.browser)
        page = self.browser.sign_in(host, world.upn(name), world.password(name))
        assert page.code, page.text
        answer = self.authority.redeem(host, page.code, self.key)
        assert answer.status_code == 200, answer.text
        self.token = answer.json()["access_token"]

    def assertion(self, nonce, key=None, jwk=None, **changes):
        """What is sent to the machine; `key` signs, `jwk` is the key that is told, `changes` are claims."""
        claims = {
            "ts": str(int(time.time())),
            "at": self.token,
            "u": resource(self.host),
            "nonce": nonce,
            "cnf": {"jwk": jwk or self.key.jwk},
            "client_claims": json.dumps({"aad_nonce": changes.pop("aad_nonce", None) or self.authority.nonce()}),
            **changes,
        }
        return (key or self.key).sign({"alg": "RS256", "kid": self.key.confirmation}, claims)


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
