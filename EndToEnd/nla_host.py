"""The part of a desktop host that people meet first when it insists on NLA: X.224, TLS and CredSSP with Kerberos.

It signs people in with MIT's GSS-API and keeps what it learned: who the ticket says they are, and what credentials they
handed over. It shows no desktop of its own, but can hand people on to another host that does, over TLS.
"""

import contextlib
import ctypes
import datetime
import hashlib
import select
import socket
import ssl
import tempfile
import threading
from pathlib import Path

import gssapi
import gssapi.raw
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

SPNEGO = gssapi.OID.from_int_seq("1.3.6.1.5.5.2")


class NLAHost:
    """A host on a port of its own; `signed_in` grows with each person, `trouble` with each failure."""

    def __init__(
        self, name, keytab, address="127.0.0.1", port=0, plain=False, false_key=False, machine=None, desktop=None
    ):
        self.name = name
        self.keytab = keytab
        #: A machine of the lab in whose network it is; None for the tests' own.
        self.machine = machine
        #: Address and port of a host with TLS, in the same network, that shows people who have signed in a desktop.
        self.desktop = desktop
        #: Without X.224 and TLS, for clients that are only about CredSSP.
        self.plain = plain
        #: Somebody in the middle: binds to another key than the certificate has, and does not mind the client's.
        self.false_key = false_key
        self.signed_in = []
        self.trouble = []
        self._folder = Path(tempfile.mkdtemp(prefix="sallyport-nla-"))
        self._make_certificate()
        self._listening = threading.Event()
        self._thread = threading.Thread(target=self._serve, args=(address, port), daemon=True)
        self._thread.start()
        assert self._listening.wait(10), self.trouble

    def stop(self):
        """Ends the host and removes its files."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)
        for file in self._folder.iterdir():
            file.unlink()
        self._folder.rmdir()

    @property
    def certificate(self):
        """The certificate's file, in DER."""
        return self._folder / "certificate.der"

    def _make_certificate(self):
        key = rsa.generate_private_key(65537, 2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.name)])
        now = datetime.datetime.now(datetime.UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=30))
            .sign(key, hashes.SHA256())
        )
        pkcs1 = (serialization.Encoding.DER, serialization.PublicFormat.PKCS1)
        self._key = made.public_key().public_bytes(*pkcs1) + (b"!" if self.false_key else b"")
        der = made.public_bytes(serialization.Encoding.DER)
        self.certificate.write_bytes(der)
        self._binding = b"tls-server-end-point:" + hashlib.sha256(der).digest()
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        pem = self._folder / "host.pem"
        pem.touch(0o600)
        pem.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(pem)

    def _serve(self, address, port):
        if self.machine:
            # Of this thread alone; what it starts and accepts is there as well.
            with open(f"/proc/{self.machine.pid}/ns/net") as place:
                assert ctypes.CDLL(None, use_errno=True).setns(place.fileno(), 0x40000000) == 0
        self._listener = socket.create_server((address, port))
        self.port = self._listener.getsockname()[1]
        self._listening.set()
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._attend, args=(client,), daemon=True).start()

    def _attend(self, client):
        client.settimeout(10)
        try:
            with client if self.plain else self._begin(client) as stream:
                self.signed_in.append(self._sign_in(stream))
                if self.desktop:
                    with begin_tls(self.desktop) as desktop:
                        relay(stream, desktop)
        except (OSError, ValueError, gssapi.exceptions.GSSError) as error:
            self.trouble.append(f"{type(error).__name__}: {error}")

    def _begin(self, client):
        """Answers a connection request with NLA, and begins TLS."""
        head = _exactly(client, 4)
        request = _exactly(client, int.from_bytes(head[2:4], "big") - 4)
        if not int.from_bytes(request[-4:], "little") & 2:
            client.sendall(bytes.fromhex("030000130ed000000000000300080005000000"))
            raise ValueError("a client without NLA")
        client.sendall(bytes.fromhex("030000130ed000000000000203080002000000"))
        return self._tls.wrap_socket(client, server_side=True)

    def _sign_in(self, stream):
        store = {b"keytab": f"FILE:{self.keytab}".encode()}
        credential = gssapi.raw.acquire_cred_from(store, None, mechs=[SPNEGO], usage="accept").creds
        bindings = gssapi.raw.ChannelBindings(application_data=self._binding)
        context, request = None, {}
        while context is None or context.more_steps:
            request = read_request(stream)
            step = gssapi.raw.accept_sec_context(request[1], credential, context and context.context, bindings)
            context = _Step(step)
            if context.more_steps or 3 not in request:
                stream.sendall(request_bytes(6, token=step.token))
        if 3 not in request:
            request = read_request(stream)
        proof, nonce = gssapi.raw.unwrap(context.context, request[3]).message, request[5]
        if not self.false_key and proof != self._bound("CredSSP Client-To-Server Binding Hash", nonce):
            raise ValueError("the client is bound to another key")
        answer = self._bound("CredSSP Server-To-Client Binding Hash", nonce)
        stream.sendall(request_bytes(6, public_key_auth=_seal(context.context, answer)))
        last = read_request(stream)
        credentials = gssapi.raw.unwrap(context.context, last[2]).message
        person = gssapi.raw.inquire_context(context.context, initiator_name=True).initiator_name
        return str(gssapi.Name(person)), *password_credentials(credentials)

    def _bound(self, label, nonce):
        return hashlib.sha256(label.encode() + b"\0" + nonce + self._key).digest()


def begin_tls(address):
    """A connection to a desktop host with TLS, up to where the connection sequence proper begins."""
    raw = socket.create_connection(address, timeout=10)
    raw.sendall(bytes.fromhex("030000130ee000000000000100080001000000"))
    head = _exactly(raw, 4)
    _exactly(raw, int.from_bytes(head[2:4], "big") - 4)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(raw)


def relay(one, other):
    """Carries what comes out of one connection to the other, and back, until either ends."""
    for each in (one, other):
        each.setblocking(False)
    while True:
        select.select([one, other], [], [])
        for source, sink in ((one, other), (other, one)):
            # What is decrypted already wakes nobody up: everything is read each time.
            with contextlib.suppress(ssl.SSLWantReadError):
                while True:
                    data = source.recv(1 << 16)
                    if not data:
                        return
                    _send(sink, memoryview(data))


def _send(sink, data):
    while data:
        try:
            data = data[sink.send(data) :]
        except ssl.SSLWantWriteError:
            select.select([], [sink], [], 10)


class _Step:
    def __init__(self, step):
        self.context, self.more_steps = step.context, step.more_steps


def _seal(context, message):
    """Header and data without a trailer, as Windows seals."""
    parts = gssapi.raw.IOV(gssapi.raw.IOVBufferType.header, message, std_layout=False)
    gssapi.raw.wrap_iov(context, parts, confidential=True)
    return b"".join(part.value for part in parts)


def _exactly(stream, count):
    data = b""
    while len(data) < count:
        more = stream.recv(count - len(data))
        if not more:
            raise ValueError("the client went away")
        data += more
    return data


def read_request(stream):
    """One TSRequest as {field: content}; the token of field 1 without its two sequences."""
    data = _exactly(stream, 2)
    if data[1] & 0x80:
        data += _exactly(stream, data[1] & 0x7F)
    head, size = _head(data)
    data += _exactly(stream, size)
    fields = {tag & 0x1F: _items(content)[0][1] for tag, content in _items(data[head:])}
    if 1 in fields:
        fields[1] = _items(_items(_items(fields[1])[0][1])[0][1])[0][1]
    return fields


def request_bytes(version, token=None, public_key_auth=None):
    """A TSRequest with a version and what else is given."""
    fields = _element(0xA0, _element(2, bytes([version])))
    if token:
        fields += _element(0xA1, _element(0x30, _element(0x30, _element(0xA0, _element(4, token)))))
    if public_key_auth:
        fields += _element(0xA3, _element(4, public_key_auth))
    return _element(0x30, fields)


def password_credentials(data):
    """Domain, user and password of a TSCredentials."""
    fields = dict(_items(_items(data)[0][1]))
    inner = _items(_items(fields[0xA1])[0][1])[0][1]
    return tuple(_items(content)[0][1].decode("utf-16-le") for _, content in _items(inner))


def _element(tag, content):
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    digits = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(digits)]) + digits + content


def _head(data):
    if data[1] < 0x80:
        return 2, data[1]
    count = data[1] & 0x7F
    return 2 + count, int.from_bytes(data[2 : 2 + count], "big")


def _items(data):
    found = []
    while data:
        head, size = _head(data)
        found.append((data[0], data[head : head + size]))
        data = data[head + size :]
    return found
