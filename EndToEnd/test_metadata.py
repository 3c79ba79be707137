"""The documents by which the Azure CLI finds its way."""

import pytest

from lab.world import TENANT


def get(world, endpoint, path):
    return endpoint.http.get(world.url + path, timeout=10)


def test_new_api_versions_get_one_cloud_and_old_ones_a_list(world, endpoint):
    one = get(world, endpoint, "/metadata/endpoints?api-version=2022-09-01").json()
    many = get(world, endpoint, "/metadata/endpoints?api-version=2019-05-01").json()
    assert one["name"] == "AzureCloud"
    assert isinstance(many, list) and len(many) >= 1


def test_a_doubled_slash_is_the_same_document(world, endpoint):
    answer = get(world, endpoint, "//metadata/endpoints?api-version=2022-09-01")
    assert answer.status_code == 200 and answer.json()["authentication"]["loginEndpoint"]


def test_every_address_in_the_document_is_this_server(world, endpoint):
    cloud = get(world, endpoint, "/metadata/endpoints?api-version=2022-09-01").json()
    for address in (
        cloud["authentication"]["loginEndpoint"],
        cloud["resourceManager"],
        cloud["microsoftGraphResourceId"],
    ):
        assert address.rstrip("/") == world.url


@pytest.mark.parametrize("tenant", ["organizations", TENANT, "contoso.example"])
def test_discovery_answers_with_the_path_that_was_asked(world, endpoint, tenant):
    found = get(world, endpoint, f"/{tenant}/v2.0/.well-known/openid-configuration").json()
    realm = "organizations" if tenant == "organizations" else TENANT
    assert found["token_endpoint"] in (
        f"{world.url}/{realm}/oauth2/v2.0/token",
        f"{world.url}/{tenant}/oauth2/v2.0/token",
    )
    assert found["device_authorization_endpoint"] and found["authorization_endpoint"]
    assert found["issuer"].split("/")[3] == TENANT


@pytest.mark.parametrize("tenant", ["fabrikam.example", "11111111-2222-3333-4444-555555555555", "..", "%2e%2e"])
def test_a_foreign_tenant_has_no_discovery_document(world, endpoint, tenant):
    answer = get(world, endpoint, f"/{tenant}/v2.0/.well-known/openid-configuration")
    assert 400 <= answer.status_code < 500


def test_the_published_keys_verify_a_real_token(world, endpoint, person):
    import base64

    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding, rsa, utils  # noqa: F401

    from sign_in import payload

    token = person("alice").tokens["access_token"]
    head, body, signature = token.split(".")
    pad = lambda text: base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))  # noqa: E731
    import json

    header = json.loads(pad(head))
    found = get(world, endpoint, f"/{TENANT}/v2.0/.well-known/openid-configuration").json()
    keys = endpoint.http.get(found["jwks_uri"], timeout=10).json()["keys"]
    key = next(k for k in keys if k["kid"] == header["kid"])
    assert header["alg"] in ("RS256", "ES256") and payload(token)["tid"] == TENANT
    if header["alg"] == "RS256":
        numbers = rsa.RSAPublicNumbers(int.from_bytes(pad(key["e"]), "big"), int.from_bytes(pad(key["n"]), "big"))
        numbers.public_key().verify(pad(signature), f"{head}.{body}".encode(), padding.PKCS1v15(), hashes.SHA256())
    assert not any(private in k for k in keys for private in ("d", "p", "q", "k"))
