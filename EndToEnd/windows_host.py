"""The agent's side of docs/protocol/windows-host.md, spoken by the tests: there is no Windows here."""

import base64
import json
import secrets
import ssl
import struct
import time

import requests
import websocket
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

from rds_aad import encoded

SERVER_2022 = ("Microsoft Windows Server 2022 Datacenter", "10.0.20348.1129")
SERVER_2016 = ("Microsoft Windows Server 2016 Datacenter", "10.0.14393.5")


class WindowsHost:
    """A joined machine that says it runs Windows."""

    def __init__(self, world, machine, hostname, release=SERVER_2022):
        self.world = world
        self.hostname = hostname
        self.release = release
        self.key = ec.generate_private_key(ec.SECP256R1())
        body = {
            "token": world.server.join_token(world.path(machine)),
            "machineKey": self._public_line(),
            "hostname": hostname,
            "hostKeys": [],
            "osName": release[0],
            "osVersion": release[1],
            "agentVersion": "1.0.0",
            "addresses": ["10.77.0.45"],
        }
        answer = requests.post(f"{world.url}/hosts/v1/join", json=body, verify=str(world.server.authority), timeout=20)
        assert answer.status_code == 200, answer.text
        self.joined = answer.json()
        self.socket = None

    def _public_line(self):
        point = self.key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        fields = (b"ecdsa-sha2-nistp256", b"nistp256", point)
        blob = b"".join(struct.pack(">I", len(field)) + field for field in fields)
        return f"ecdsa-sha2-nistp256 {base64.b64encode(blob).decode()}"

    def authorization(self, method, path):
        """The signed header of one request."""
        seconds, nonce = int(time.time()), encoded(secrets.token_bytes(16))
        text = f"sallyport-host-v1\n{method}\n{path}\n{seconds}\n{nonce}"
        r, s = utils.decode_dss_signature(self.key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
        signature = encoded(r.to_bytes(32, "big") + s.to_bytes(32, "big"))
        return f"Sallyport-Host {self.joined['hostId']}.{seconds}.{nonce}.{signature}"

    def connect(self):
        """Opens the control channel; returns the first configuration."""
        path = self.joined["controlPath"]
        self.socket = websocket.create_connection(
            self.world.url.replace("https", "wss") + path,
            header=[f"Authorization: {self.authorization('GET', path)}"],
            sslopt={"ca_certs": str(self.world.server.authority), "cert_reqs": ssl.CERT_REQUIRED},
            timeout=20,
        )
        return self.wait_for("configuration")

    def wait_for(self, kind):
        """The next message of a kind; others are passed over, as the protocol says."""
        while True:
            message = json.loads(self.socket.recv())
            if message["kind"] == kind:
                return message

    def say(self, **message):
        self.socket.send(json.dumps(message))

    def report(self, state, code=0, desktop=True):
        """Says how the machine is."""
        more = {"desktop": {"port": 3389, "certificate": "ab" * 32, "product": "Windows"}} if desktop else {}
        self.say(
            kind="status",
            loginState=state,
            exitCode=code,
            message="",
            agentVersion="1.0.0",
            osName=self.release[0],
            osVersion=self.release[1],
            hostname=self.hostname,
            addresses=["10.77.0.45"],
            hostKeys=[],
            sessions=[],
            **more,
        )

    def close(self):
        if self.socket:
            self.socket.close()
