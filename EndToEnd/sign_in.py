"""Token requests as the Azure CLI's library forms them, for tests that need tokens rather than commands."""

import base64
import hashlib
import json
import subprocess
import time

import requests

AZURE_CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
CAPABILITIES = json.dumps({"access_token": {"xms_cc": {"values": ["CP1"]}}})
SSH_SCOPE = "https://pas.windows.net/CheckMyAccess/Linux/.default"


class Refused(Exception):
    """The token endpoint said no; `body` is its answer, `status` the HTTP status."""

    def __init__(self, answer):
        self.status = answer.status_code
        try:
            self.body = answer.json()
        except ValueError:
            self.body = {}
        super().__init__(f"{self.status} {self.body.get('error')}: {self.body.get('error_description')}")


class TokenEndpoint:
    """One server's token endpoint."""

    def __init__(self, url, authority, tenant):
        self.url = url
        self.tenant = tenant
        self.http = requests.Session()
        self.http.verify = str(authority)
        self.http.trust_env = False
        metadata = self.http.get(f"{url}/metadata/endpoints?api-version=2022-09-01", timeout=10).json()
        # The client appends `/.default` without removing the slash at the end, so the scope has two.
        self.arm_scope = metadata["authentication"]["audiences"][0] + "/.default"
        self.graph_scope = metadata["microsoftGraphResourceId"] + "/.default"

    def post(self, form, tenant=None):
        """One request; the answer as it came."""
        address = f"{self.url}/{tenant or self.tenant}/oauth2/v2.0/token"
        return self.http.post(address, data=form, timeout=20)

    def request(self, form, tenant=None):
        """One request; the tokens, or `Refused`."""
        answer = self.post(form, tenant)
        if answer.status_code != 200:
            raise Refused(answer)
        return answer.json()

    def user_form(self, grant, scope, **fields):
        """What every request of a person's carries."""
        return {
            "client_id": AZURE_CLI,
            "grant_type": grant,
            "scope": f"{scope} offline_access openid profile",
            "client_info": "1",
            "claims": CAPABILITIES,
            **fields,
        }

    def password(self, upn, password, scope=None):
        """Tokens of a person by user name and password."""
        return self.request(self.user_form("password", scope or self.arm_scope, username=upn, password=password))

    def refresh(self, refresh_token, scope=None, **fields):
        """Tokens for a refresh token."""
        form = self.user_form("refresh_token", scope or self.arm_scope, refresh_token=refresh_token, **fields)
        return self.request(form)

    def robot(self, app_id, secret, scope=None, **fields):
        """Tokens of a service principal by secret."""
        form = {"client_id": app_id, "grant_type": "client_credentials", "client_secret": secret}
        return self.request({**form, "scope": scope or self.arm_scope, "claims": CAPABILITIES, **fields})


class KeyPair:
    """An RSA key made by ssh-keygen, and what the token request says about it."""

    def __init__(self, folder, bits=3072):
        self.private = folder / "id_rsa"
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "rsa", "-b", str(bits), "-N", "", "-f", self.private, "-C", "test"], check=True
        )
        fields, blob = [], base64.b64decode(self.private.with_suffix(".pub").read_text().split()[1])
        while blob:
            length = int.from_bytes(blob[:4], "big")
            fields.append(blob[4 : 4 + length])
            blob = blob[4 + length :]
        # As the client does it: the SSH integer with its leading zero byte, and with the padding kept.
        exponent = base64.urlsafe_b64encode(fields[1]).decode()
        modulus = base64.urlsafe_b64encode(fields[2]).decode()
        self.key_id = hashlib.sha256((modulus + exponent).encode()).hexdigest()
        self.confirmation = json.dumps({"kty": "RSA", "n": modulus, "e": exponent, "kid": self.key_id})

    @property
    def certificate(self):
        """Where the certificate goes, beside the key."""
        return self.private.with_name("id_rsa-cert.pub")

    def form(self):
        """The three fields that turn a token request into one for a certificate."""
        return {"token_type": "ssh-cert", "req_cnf": self.confirmation, "key_id": self.key_id}

    def keep(self, answer):
        """Writes the certificate of a token answer beside the key."""
        self.certificate.write_text(f"ssh-rsa-cert-v01@openssh.com {answer['access_token']}\n")
        return self.certificate


def listing(certificate):
    """`ssh-keygen -L` of a certificate file."""
    return subprocess.run(["ssh-keygen", "-L", "-f", certificate], capture_output=True, text=True, check=True).stdout


def principals(certificate):
    """The principals of a certificate file, in order."""
    lines = listing(certificate).splitlines()
    start = next(i for i, line in enumerate(lines) if line.strip() == "Principals:")
    end = next(i for i, line in enumerate(lines) if line.strip().startswith("Critical Options:"))
    return [line.strip() for line in lines[start + 1 : end]]


def payload(token):
    """The claims of a JWT, unverified."""
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


def eventually(condition, seconds, what):
    """Waits until a condition holds and returns how long that took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, f"not within {seconds} s: {what}"
        time.sleep(0.02)
    return time.monotonic() - began
