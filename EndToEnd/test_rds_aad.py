"""Signing in to a desktop with an organisation's account: the authority's pages and tokens, the front's judgement."""

import json
import socket
import ssl
import time
import uuid

import pytest
import requests
from gateway_client import Gateway, properties

from lab.world import TENANT
from pages import press, sign_in_as
from rds_aad import REMOTE_DESKTOP, Authority, Browser, ProofKey, SignedIn, resource
from rds_connection import (
    ACCESS_DENIED,
    INVALID_TOKEN,
    OK,
    RDSAAD,
    DesktopConnection,
    GatewayStream,
    WebSocketStream,
    server_core,
)
from sign_in import payload

QUESTION = "Allow remote desktop connection to {}?"


@pytest.fixture
def browser_of(world):
    """browser_of(): a person's browser in which nobody is signed in."""
    world.machine("myVM")
    return lambda: Browser(world.url, world.server.authority)


# The authority


def test_authority_binds_a_token_to_a_key_and_a_machine(world, browser_of):
    browser, key = browser_of(), ProofKey()
    page = browser.sign_in("myvm", world.upn("carol"), world.password("carol"))
    assert page.location.startswith(browser.redirect + "?code=")
    answer = Authority(browser).redeem("myvm", page.code, key)
    assert answer.status_code == 200 and int(answer.headers["Content-Length"]) == len(answer.content)
    claims = payload(answer.json()["access_token"])
    assert claims["aud"] == resource("myvm") and claims["cnf"]["kid"] == key.thumbprint
    assert (claims["scp"], claims["upn"], claims["tid"]) == ("user_impersonation", world.upn("carol"), TENANT)
    assert Authority(browser).redeem("myvm", page.code, key).status_code == 400


def test_authority_asks_once_for_each_machine_and_takes_no_for_an_answer(world, browser_of):
    browser = browser_of()
    name, password = world.upn("bob"), world.password("bob")
    no = browser.sign_in("myvm", name, password, answer="cancel")
    assert no.code is None and "error=access_denied" in no.location
    asked = browser.authorize("myvm")
    assert QUESTION.format("myvm") in asked.text and world.path("myVM") in asked.text and name in asked.text
    assert browser.press(asked, "confirm").code
    assert browser.authorize("MYVM").code
    assert QUESTION.format("myvm") in browser.authorize("myvm", prompt="consent").text
    # Another browser of the same person: the yes is kept with the person.
    page = browser_of().authorize("myvm")
    assert browser_of().press(page, "signin", username=name, password=password).status == 400
    assert browser_of().sign_in("myvm", name, password).code


@pytest.mark.parametrize(
    ("who", "host", "words"),
    [
        ("carol", "nowhere", "AADSTS293004: The target device 'nowhere' was not found"),
        ("carol", "10.77.0.11", "An IP address cannot be used"),
        ("olga", "myvm", "AADSTS293004: The target device 'myvm' was not found"),
        ("erin", "myvm", "guests cannot log in to machines"),
    ],
)
def test_authority_says_why_there_is_no_desktop_for_somebody(world, browser_of, who, host, words):
    page = browser_of().sign_in(host, world.upn(who), world.password(who))
    assert page.status == 400 and page.code is None and words in page.text


def test_authority_makes_somebody_with_a_temporary_password_replace_it_first(browser_of, az):
    name, password = f"t{uuid.uuid4().hex[:8]}@contoso.example", "Corr3ct-h0rse!"
    create = ["--display-name", "Temporary", "--user-principal-name", name, "--password", password]
    az("admin").run("ad", "user", "create", *create, "--force-change-password-next-sign-in", "true")
    try:
        page = browser_of().sign_in("myvm", name, password)
        assert page.code is None and "Choose a password" in page.text
    finally:
        az("admin").run("ad", "user", "delete", "--id", name)


def test_authority_gives_no_desktop_without_a_key_and_no_other_token_to_the_desktop_client(world, browser_of):
    browser = browser_of()
    authority, page = Authority(browser), browser.sign_in("myvm", world.upn("carol"), world.password("carol"))
    form = {
        "grant_type": "authorization_code",
        "client_id": REMOTE_DESKTOP,
        "redirect_uri": browser.redirect,
        "code": page.code,
    }
    other = authority.post(**form, scope="https://management.azure.com/.default", req_cnf=ProofKey().confirmation)
    assert other.status_code == 400 and other.json()["error"] == "invalid_grant"
    page = browser.authorize("myvm")
    without = authority.post(**(form | {"code": page.code}), scope=f"{resource('myvm')}/user_impersonation")
    assert without.json()["error_codes"] == [900144]
    for scope in ("https://management.azure.com/.default", "https://graph.microsoft.com/.default openid"):
        assert browser.authorize("myvm", scope=scope).code is None


def test_authority_is_reached_by_a_client_that_puts_the_port_into_the_tls_name(world):
    context = ssl.create_default_context(cafile=str(world.server.authority))
    context.check_hostname = False
    body = b"grant_type=srv_challenge"
    head = (
        "POST /common/oauth2/v2.0/token HTTP/1.1\r\nHost: sallyport.test:443\r\nConnection: Keep-Alive\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    raw = socket.create_connection(("sallyport.test", 443), timeout=10)
    with context.wrap_socket(raw, server_hostname="sallyport.test:443") as connection:
        connection.sendall(head.encode() + body)
        answer = b""
        while b"\r\n\r\n" not in answer or len(answer.split(b"\r\n\r\n", 1)[1]) < length_of(answer):
            answer += connection.recv(65536)
    lines = answer.split(b"\r\n\r\n", 1)[0].split(b"\r\n")
    assert lines[0] == b"HTTP/1.1 200 OK" and all(len(line) < 1000 for line in lines)
    assert len(json.loads(answer.split(b"\r\n\r\n", 1)[1])["Nonce"]) >= 40


def length_of(answer):
    """The length that a head announces."""
    lines = answer.split(b"\r\n\r\n", 1)[0].lower().split(b"\r\n")
    return next(int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length:"))


def test_authority_leads_a_person_to_an_address_to_paste(world, browser_of, page):
    address = browser_of().endpoints["authorization_endpoint"]
    page.goto(
        f"{address}?client_id={REMOTE_DESKTOP}&response_type=code&scope="
        "ms-device-service%3A%2F%2Ftermsrv.wvd.microsoft.com%2Fname%2Fmyvm%2Fuser_impersonation"
        f"&redirect_uri={world.url}/common/oauth2/nativeclient".replace(":", "%3A").replace("https%3A", "https:", 1)
    )
    sign_in_as(page, world, "gina")
    page.get_by_text(QUESTION.format("myvm")).wait_for()
    press(page, "confirm")
    shown = page.get_by_label("Address")
    shown.wait_for()
    assert shown.input_value() == page.url and "?code=" in page.url


# The front


@pytest.fixture(params=["tunnel", "websocket", "pair"])
def connect(world, person, request):
    """connect("alice"): a connection of somebody to the desktop of deskVM, before the first RDP byte; by the tunnel's
    WebSocket, or through the gateway, over its WebSocket or its pair of connections."""
    world.machine("deskVM")
    opened = []

    def open_one(name="alice"):
        bastion = person(name).bastion()
        if request.param != "tunnel":
            return DesktopConnection(through_gateway(world, bastion, request.param), "deskvm", world.server.authority)
        session = bastion.open(world.path("deskVM"), 3389)
        opened.append((bastion, session))
        return DesktopConnection(WebSocketStream(bastion.socket(session)), "deskvm", world.server.authority)

    yield open_one
    for bastion, session in opened:
        bastion.close(session)


def through_gateway(world, bastion, way):
    """What a client gets that opens a connection file for a web account."""
    answer = requests.get(
        f"https://{bastion.dns_name}/api/rdpfile",
        params={"resourceId": world.path("deskVM"), "format": "rdp", "rdpport": 3389, "enablerdsaad": "True"},
        headers={"Authorization": f"Bearer {bastion.token}"},
        verify=bastion.authority,
        timeout=20,
    )
    assert answer.status_code == 200, answer.text
    found = properties(answer.text)
    assert found["enablerdsaadauth"] == 1
    client = getattr(Gateway(found["gatewayhostname"], bastion.authority), way)()
    return GatewayStream(client.open(found["gatewayaccesstoken"], found["full address"], found["server port"]))


@pytest.fixture
def alice(world):
    world.machine("deskVM")
    return SignedIn(world, "alice", "deskvm")


def test_front_lets_somebody_in_to_a_desktop_without_a_password(connect, alice):
    connection = connect()
    assert connection.sign_in(alice) == OK
    response = connection.connect()
    assert response[7:9] == b"\x7f\x66"
    assert server_core(response) == RDSAAD


def test_front_signs_in_again_with_the_same_token_and_a_fresh_assertion(connect, alice):
    for _ in range(2):
        assert connect().sign_in(alice) == OK


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda person: {"nonce": "another connection's"}, id="wrong nonce"),
        pytest.param(lambda person: {"ts": str(int(time.time()) - 301)}, id="old time"),
        pytest.param(lambda person: {"ts": str(int(time.time()) + 330)}, id="time to come"),
        pytest.param(lambda person: {"u": resource("myvm")}, id="another machine"),
        pytest.param(lambda person: {"key": ProofKey()}, id="signed by another key"),
        pytest.param(lambda person: other_key(), id="a stolen token with a key of one's own"),
        pytest.param(lambda person: {"aad_nonce": "A" * 54}, id="a nonce that nobody issued"),
        pytest.param(lambda person: {"at": "e30.e30.e30"}, id="no token"),
    ],
)
def test_front_refuses_what_does_not_fit(connect, alice, spoil):
    assert connect().sign_in(alice, **spoil(alice)) == INVALID_TOKEN


def other_key():
    key = ProofKey()
    return {"key": key, "jwk": key.jwk}


def test_front_refuses_a_token_for_another_machine(world, connect):
    world.machine("myVM")
    elsewhere = SignedIn(world, "alice", "myvm")
    elsewhere.host = "deskvm"
    assert connect().sign_in(elsewhere) == INVALID_TOKEN


def test_front_takes_an_assertion_once(connect, alice):
    first = connect()
    assertion = alice.assertion(first.read_nonce())
    assert first.present(assertion) == OK
    second = connect()
    second.read_nonce()
    assert second.present(assertion) == INVALID_TOKEN


def test_front_takes_the_nonce_in_an_assertion_once(connect, alice):
    nonce = alice.authority.nonce()
    assert connect().sign_in(alice, aad_nonce=nonce) == OK
    assert connect().sign_in(alice, aad_nonce=nonce) == INVALID_TOKEN


def test_front_wants_the_person_of_the_session(world, connect, alice):
    assert connect("bob").sign_in(alice) == ACCESS_DENIED


def test_front_refuses_who_has_no_login_role(world, connect):
    dave = SignedIn(world, "dave", "deskvm")
    assert connect("dave").sign_in(dave) == ACCESS_DENIED


def test_front_refuses_an_account_that_was_switched_off_after_its_token_was_issued(world, connect, person):
    bob = SignedIn(world, "bob", "deskvm")
    connection = connect("bob")
    nonce = connection.read_nonce()
    assertion = bob.assertion(nonce)
    world.switch_account("bob", False)
    try:
        # The session itself may be ended first; in no case is anybody let in.
        assert connection.present(assertion) != OK
    except Exception as error:
        assert type(error).__name__ in ("Closed", "SSLEOFError", "WebSocketConnectionClosedException")
    finally:
        world.switch_account("bob", True)
        person("bob").sign_in()
