"""Attacks on the token endpoint and on tokens, made against the running server."""

import base64
import hashlib
import json
import time

import pytest

from lab.world import CI_ROBOT, TENANT
from sign_in import AZURE_CLI, SSH_SCOPE, KeyPair, Refused, payload


def part(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def status_with(person, token):
    manager = person("alice").arm
    manager.token = token
    return manager.send("GET", person("alice").world.group()).status_code


def test_the_untouched_token_is_accepted(person):
    assert status_with(person, person("alice").tokens["access_token"]) == 200


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "HS256", "RS512", ""])
def test_other_algorithms_are_refused(person, alg):
    head, body, signature = person("alice").tokens["access_token"].split(".")
    header = json.loads(base64.urlsafe_b64decode(head + "=="))
    forged = part({**header, "alg": alg})
    assert status_with(person, f"{forged}.{body}.{signature}") == 401
    assert status_with(person, f"{forged}.{body}.") == 401


def test_the_public_key_is_no_shared_secret(world, person, endpoint):
    import hmac

    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    found = endpoint.http.get(f"{world.url}/{TENANT}/v2.0/.well-known/openid-configuration", timeout=10).json()
    keys = [k for k in endpoint.http.get(found["jwks_uri"], timeout=10).json()["keys"] if k["kty"] == "RSA"]
    number = lambda text: int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")  # noqa: E731
    pem = (
        rsa.RSAPublicNumbers(number(keys[0]["e"]), number(keys[0]["n"]))
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    body = person("alice").tokens["access_token"].split(".")[1]
    signed = f"{part({'alg': 'HS256', 'typ': 'JWT', 'kid': keys[0]['kid']})}.{body}"
    mac = base64.urlsafe_b64encode(hmac.new(pem, signed.encode(), hashlib.sha256).digest()).rstrip(b"=").decode()
    assert status_with(person, f"{signed}.{mac}") == 401


@pytest.mark.parametrize("claim, value", [("oid", "admin"), ("tid", "other"), ("exp", 9999999999), ("aud", "x")])
def test_a_changed_claim_is_refused(person, claim, value):
    head, body, signature = person("alice").tokens["access_token"].split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    if value == "admin":
        value = person("admin").object_id
    assert status_with(person, f"{head}.{part({**claims, claim: value})}.{signature}") == 401


def test_a_key_in_the_header_is_not_used(person):
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    key = rsa.generate_private_key(65537, 2048)
    numbers = key.public_key().public_numbers()
    code = lambda n: base64.urlsafe_b64encode(n.to_bytes((n.bit_length() + 7) // 8, "big")).rstrip(b"=").decode()  # noqa: E731
    jwk = {"kty": "RSA", "e": code(numbers.e), "n": code(numbers.n), "kid": "mine"}
    body = person("alice").tokens["access_token"].split(".")[1]
    signed = f"{part({'alg': 'RS256', 'typ': 'JWT', 'kid': 'mine', 'jwk': jwk})}.{body}"
    signature = key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    assert status_with(person, f"{signed}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}") == 401


def test_id_tokens_refresh_tokens_and_graph_tokens_are_no_access_tokens(person):
    alice = person("alice")
    graph = alice.endpoint.refresh(alice.tokens["refresh_token"], alice.endpoint.graph_scope)["access_token"]
    for token in (alice.tokens["id_token"], alice.tokens["refresh_token"], graph):
        assert status_with(person, token) == 401


def test_the_answer_has_the_shape_the_client_needs(person):
    tokens = person("alice").tokens
    assert tokens["token_type"] == "Bearer" and tokens["expires_in"] >= 300 and isinstance(tokens["expires_in"], int)
    assert person("alice").endpoint.arm_scope in tokens["scope"].split()
    claims = payload(tokens["id_token"])
    assert claims["preferred_username"] == person("alice").upn and claims["tid"] == TENANT
    uid = json.loads(base64.urlsafe_b64decode(tokens["client_info"] + "=="))
    assert uid == {"uid": claims["oid"], "utid": TENANT}


def test_a_robot_s_answer_has_no_refresh_token(person):
    assert "refresh_token" not in person("ci-robot").tokens and "id_token" not in person("ci-robot").tokens


def test_errors_have_the_protocol_s_shape(endpoint):
    answer = endpoint.post(
        {"grant_type": "client_credentials", "client_id": CI_ROBOT, "client_secret": "x", "scope": endpoint.arm_scope}
    )
    body = answer.json()
    assert answer.status_code in (400, 401) and body["error"] == "invalid_client"
    assert body["error_description"].startswith("AADSTS7000215") and 7000215 in body["error_codes"]
    assert "Retry-After" not in answer.headers


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"grant_type": "x"},
        {"grant_type": "password"},
        {"grant_type": "refresh_token", "client_id": AZURE_CLI},
        {"grant_type": "refresh_token", "client_id": AZURE_CLI, "refresh_token": "x"},
        {"grant_type": "authorization_code", "client_id": AZURE_CLI, "code": "x", "redirect_uri": "http://localhost:1"},
        {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "client_id": AZURE_CLI, "device_code": "x"},
        {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "client_id": AZURE_CLI, "assertion": "a.b.c"},
        {"grant_type": "client_credentials", "client_id": CI_ROBOT},
        {"grant_type": "client_credentials", "client_id": "not-a-guid", "client_secret": "x"},
    ],
)
def test_unknown_and_incomplete_requests_are_refused_without_an_accident(endpoint, form):
    answer = endpoint.post(form)
    assert answer.status_code in (400, 401), answer.text
    assert {"error", "error_description"} <= answer.json().keys()


def test_a_public_client_gets_nothing_with_client_credentials(endpoint):
    answer = endpoint.post(
        {"grant_type": "client_credentials", "client_id": AZURE_CLI, "client_secret": "", "scope": endpoint.arm_scope}
    )
    assert answer.status_code in (400, 401)


def test_a_refresh_token_belongs_to_its_client(person, endpoint):
    form = endpoint.user_form(
        "refresh_token", endpoint.arm_scope, refresh_token=person("alice").tokens["refresh_token"]
    )
    answer = endpoint.post({**form, "client_id": "11111111-2222-3333-4444-555555555555"})
    assert answer.status_code in (400, 401)


def test_a_refresh_token_belongs_to_its_tenant(person, endpoint):
    form = endpoint.user_form(
        "refresh_token", endpoint.arm_scope, refresh_token=person("alice").tokens["refresh_token"]
    )
    assert endpoint.post(form, "11111111-2222-3333-4444-555555555555").status_code in (400, 404)


def test_scopes_of_nobody_s_resource_are_refused(person, endpoint):
    with pytest.raises(Refused):
        endpoint.refresh(person("alice").tokens["refresh_token"], "https://evil.example/.default")


# Client assertions


def assertion(world, endpoint, **changes):
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding

    from lab.world import CERT_ROBOT

    pem = world.robot_pem.read_bytes()
    key = serialization.load_pem_private_key(pem, None)
    thumb = base64.urlsafe_b64encode(x509.load_pem_x509_certificate(pem).fingerprint(hashes.SHA1())).decode()
    url = endpoint.http.get(f"{world.url}/{TENANT}/v2.0/.well-known/openid-configuration", timeout=10).json()[
        "token_endpoint"
    ]
    now = time.time()
    claims = {
        "iss": CERT_ROBOT,
        "sub": CERT_ROBOT,
        "aud": url,
        "jti": str(now),
        "iat": now,
        "exp": now + 600,
        **changes,
    }
    signed = f"{part({'alg': 'RS256', 'typ': 'JWT', 'x5t': thumb})}.{part(claims)}"
    signature = key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    return {
        "grant_type": "client_credentials",
        "client_id": CERT_ROBOT,
        "scope": endpoint.arm_scope,
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": f"{signed}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}",
    }


def test_an_assertion_with_fractional_times_is_accepted(world, endpoint):
    assert endpoint.post(assertion(world, endpoint)).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "https://login.microsoftonline.com/x/oauth2/v2.0/token"},
        {"iss": CI_ROBOT},
        {"sub": CI_ROBOT},
        {"iss": CI_ROBOT, "sub": CI_ROBOT},
        {"exp": 1000000000},
        {"iat": 9999999999, "exp": 99999999999},
        {"exp": 99999999999},
    ],
    ids=["audience", "issuer", "subject", "other robot", "expired", "from the future", "for ever"],
)
def test_a_wrong_assertion_is_refused(world, endpoint, changes):
    assert endpoint.post(assertion(world, endpoint, **changes)).status_code in (400, 401)


# Certificates for SSH


def test_one_person_s_refresh_token_gives_only_their_certificate(person, tmp_path):
    from sign_in import principals

    key = KeyPair(tmp_path)
    alice = person("alice")
    form = alice.endpoint.user_form("refresh_token", SSH_SCOPE, refresh_token=alice.tokens["refresh_token"])
    answer = alice.endpoint.request({**form, **key.form(), "username": "admin@contoso.example", "login_hint": "admin"})
    key.keep(answer)
    assert principals(key.certificate)[0] == alice.upn


@pytest.mark.parametrize("bits", [1024, 2047])
def test_weak_keys_get_no_certificate(person, tmp_path, bits):
    key = KeyPair(tmp_path, bits)
    with pytest.raises(Refused):
        person("alice").endpoint.refresh(person("alice").tokens["refresh_token"], SSH_SCOPE, **key.form())


@pytest.mark.parametrize(
    "confirmation",
    ["", "{}", "[]", "nonsense", '{"kty":"RSA"}', '{"kty":"RSA","n":"AA","e":"AQAB"}', '{"kty":"oct","k":"AAAA"}',
     '{"kty":"RSA","n":"' + "A" * 100_000 + '","e":"AQAB"}', '{"kty":"RSA","n":"AQAB","e":"AA=="}'],
)  # fmt: skip
def test_nonsense_instead_of_a_key_gets_no_certificate(person, confirmation):
    fields = {"token_type": "ssh-cert", "req_cnf": confirmation, "key_id": "x"}
    with pytest.raises(Refused):
        person("alice").endpoint.refresh(person("alice").tokens["refresh_token"], SSH_SCOPE, **fields)


def test_a_certificate_is_no_access_token(person, tmp_path):
    key = KeyPair(tmp_path)
    answer = person("alice").endpoint.refresh(person("alice").tokens["refresh_token"], SSH_SCOPE, **key.form())
    assert status_with(person, answer["access_token"]) == 401


def test_the_resource_s_scope_gives_no_certificate(person, endpoint, tmp_path):
    key = KeyPair(tmp_path)
    with pytest.raises(Refused):
        endpoint.refresh(person("alice").tokens["refresh_token"], endpoint.arm_scope, **key.form())


# Guessing


def test_guessing_a_password_is_slowed_down_and_the_owner_is_told_so(world, endpoint):
    """Twelve different wrong passwords lock the account for a while; the answer says so, whatever address it claims."""
    texts = []
    for i in range(12):
        form = endpoint.user_form("password", endpoint.arm_scope, username=world.upn("vera"), password=f"guess-{i}")
        address = f"{world.url}/{TENANT}/oauth2/v2.0/token"
        answer = endpoint.http.post(address, data=form, headers={"X-Forwarded-For": f"203.0.113.{i}"}, timeout=20)
        texts.append(answer.json()["error_description"])
    assert texts[0].startswith("AADSTS50126") and "AADSTS50053" in texts[-1]


def test_known_and_unknown_names_take_the_same_time(world, endpoint):
    def median(name):
        times = []
        for i in range(5):
            began = time.perf_counter()
            form = endpoint.user_form("password", endpoint.arm_scope, username=name, password=f"wrong-{i % 2}")
            endpoint.post(form)
            times.append(time.perf_counter() - began)
        return sorted(times)[2]

    known, unknown = median(world.upn("olga")), median("nobody-here@contoso.example")
    assert 0.4 < known / unknown < 2.5, (known, unknown)


def test_a_burst_of_sign_ins_does_not_take_the_server_down(world, endpoint, person):
    from concurrent.futures import ThreadPoolExecutor

    def attempt(i):
        form = endpoint.user_form("password", endpoint.arm_scope, username=f"nobody{i}@contoso.example", password="x")
        try:
            return endpoint.http.post(f"{world.url}/{TENANT}/oauth2/v2.0/token", data=form, timeout=60).status_code
        except OSError:
            return 0

    with ThreadPoolExecutor(40) as pool:
        found = list(pool.map(attempt, range(160)))
    assert set(found) <= {400, 429, 503}
    assert person("alice").arm.send("GET", world.group()).status_code == 200
