"""FreeRDP through the gateway to a real desktop, with the password pass-through."""

import pytest
from gateway_client import properties
from gateway_fixtures import ask

from lab.desktops import LOCAL_PASSWORD, XRDP_COLOUR
from lab.freerdp import FreeRDP, Screen

TYPES = ["http", "http,no-websockets"]


@pytest.fixture(scope="module")
def screen():
    with Screen() as made:
        yield made


@pytest.fixture
def file(world, person):
    """A connection file for the desktop, as text."""
    world.machine("deskVM")

    def get(name="alice", web_account="False"):
        answer = ask(world, person(name), world.path("deskVM"), 3389, web_account)
        assert answer.status_code == 200, answer.text
        return answer.text

    return get


def arguments(text, way="http", host=None):
    found = properties(text)
    return [
        f"/v:{host or found['full address']}:{found['server port']}", f"/g:{found['gatewayhostname']}",
        f"/gat:{found['gatewayaccesstoken']}", f"/gt:{way}", "/u:lola", "/sec:tls",
    ]  # fmt: skip


@pytest.mark.parametrize("way", TYPES)
def test_a_desktop_opens_through_the_gateway(screen, file, way):
    with FreeRDP(screen, *arguments(file(), way), password=LOCAL_PASSWORD) as client:
        client.wait_for_colour(XRDP_COLOUR, 30)


def test_a_desktop_opens_straight_from_the_file(screen, file, tmp_path):
    path = tmp_path / "desk.rdp"
    path.write_text(file(), newline="")
    with FreeRDP(screen, "/u:lola", "/sec:tls", file=path, password=LOCAL_PASSWORD) as client:
        client.wait_for_colour(XRDP_COLOUR, 30)


@pytest.mark.parametrize("way", TYPES)
def test_a_used_token_is_refused_in_words_that_the_client_knows(screen, file, way):
    text = file()
    with FreeRDP(screen, *arguments(text, way), password=LOCAL_PASSWORD) as client:
        client.wait_for_colour(XRDP_COLOUR, 30)
    with FreeRDP(screen, *arguments(text, way), password=LOCAL_PASSWORD) as client:
        assert client.wait_for_end(20) != 0
    assert "E_PROXY_COOKIE_AUTHENTICATION_ACCESS_DENIED" in client.output


@pytest.mark.parametrize("way", TYPES)
def test_another_machine_is_refused_in_words_that_the_client_knows(screen, file, way):
    with FreeRDP(screen, *arguments(file(), way, host="myvm"), password=LOCAL_PASSWORD) as client:
        assert client.wait_for_end(20) != 0
    assert "E_PROXY_RAP_ACCESSDENIED" in client.output


def test_a_client_without_a_token_ends_at_once(screen, file):
    line = [part for part in arguments(file()) if not part.startswith("/gat:")]
    line += ["/gu:alice", "/gp:wrong"]
    with FreeRDP(screen, *line, password=LOCAL_PASSWORD) as client:
        assert client.wait_for_end(20) != 0
    assert "401" in client.output or "ERRCONNECT" in client.output
