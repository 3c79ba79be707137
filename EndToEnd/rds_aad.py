"""Signing in for a desktop with an organisation's account (RDS AAD Auth), as far as the authority has to do with it.

Does literally what FreeRDP 3 does with `/sec:aad`: discovery, the authorize pages, a token bound to a fresh key, a
nonce of the authority. Every part can be spoiled by a test; `rds_connection` presents what comes of it to a machine.
"""

import base64
import hashlib
import html
import json
import re
import time
import urllib.parse

import requests
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

REMOTE_DESKTOP = "a85cf173-4192-42f8-81fa-777a763e6e2c"


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
