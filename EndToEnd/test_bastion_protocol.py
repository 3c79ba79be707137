"""The bastion's wire as the extension speaks it, and as an attacker would."""

import contextlib
import socket
import ssl
import subprocess
import threading
import time

import pytest
import websocket

from lab.world import SUBSCRIPTION
from raw_http import request


@pytest.fixture
def alice(world, person):
    world.machine("myVM")
    return person("alice")


@pytest.fixture
def bastion(alice):
    return alice.bastion()


def refusal(bastion, resource, port=22, **fields):
    """The answer of a request that must be refused; it is JSON with a `message`, because the client needs one."""
    answer = bastion.ask(resource, port, strict=True, **fields)
    assert 400 <= answer.status_code < 500, answer.text
    return answer.status_code, answer.json()["message"]


def banner(connection):
    return connection.recv()


def test_a_session_from_token_to_sshd_s_greeting_and_back(world, bastion):
    session = bastion.open(world.path("myVM"))
    assert {"authToken", "nodeId", "websocketToken"} <= session.keys()
    far = bastion.socket(session)
    assert banner(far).startswith(b"SSH-2.0-OpenSSH")
    far.close(status=1000)
    assert bastion.close(session).status_code in (200, 204)
    assert bastion.close(session).status_code in (200, 204, 404)


def test_the_resource_path_may_be_written_in_any_case(world, bastion):
    session = bastion.open(world.path("MYVM").replace("resourceGroups", "resourcegroups"))
    assert banner(bastion.socket(session)).startswith(b"SSH-")
    bastion.close(session)


def test_a_second_connection_keeps_the_session(world, bastion):
    first = bastion.open(world.path("myVM"))
    near = bastion.socket(first)
    second = bastion.open(world.path("myVM"), auth_token=first["authToken"], node=first["nodeId"])
    assert second["authToken"] == first["authToken"] and second["websocketToken"] != first["websocketToken"]
    assert banner(bastion.socket(second)).startswith(b"SSH-") and banner(near).startswith(b"SSH-")
    bastion.close(first)


def test_a_websocket_token_opens_one_socket_only(world, bastion):
    session = bastion.open(world.path("myVM"))
    far = bastion.socket(session)
    with pytest.raises(websocket.WebSocketBadStatusException):
        bastion.socket(session)
    far.close()
    with pytest.raises(websocket.WebSocketBadStatusException):
        bastion.socket(session)
    bastion.close(session)


def test_a_race_for_one_websocket_token_has_one_winner(world, bastion):
    session = bastion.open(world.path("myVM"))
    won, start = [], threading.Barrier(8)

    def run():
        start.wait()
        with contextlib.suppress(websocket.WebSocketException, OSError):
            won.append(bastion.socket(session))

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    bastion.close(session)


def test_deleting_the_session_ends_its_sockets_and_its_unused_tokens(world, bastion):
    session = bastion.open(world.path("myVM"))
    far = bastion.socket(session)
    banner(far)
    unused = bastion.open(world.path("myVM"), auth_token=session["authToken"], node=session["nodeId"])
    bastion.close(session)
    far.settimeout(3)
    with pytest.raises((websocket.WebSocketConnectionClosedException, ConnectionError)):
        while far.recv() != b"":
            pass
        raise websocket.WebSocketConnectionClosedException
    with pytest.raises(websocket.WebSocketBadStatusException):
        bastion.socket(unused)


@pytest.mark.parametrize("guess", ["", "x", "0" * 32, "../tokens", "%2e%2e"])
def test_guessed_websocket_tokens_open_nothing(world, bastion, guess):
    session = bastion.open(world.path("myVM"))
    with pytest.raises((websocket.WebSocketBadStatusException, websocket.WebSocketException)):
        bastion.socket(session, websocket_token=guess or " ")
    bastion.close(session)


def test_the_auth_token_is_no_websocket_token_and_the_reverse(world, bastion):
    session = bastion.open(world.path("myVM"))
    with pytest.raises(websocket.WebSocketBadStatusException):
        bastion.socket(session, websocket_token=session["authToken"])
    reverse = {**session, "authToken": session["websocketToken"]}
    assert bastion.close(reverse).status_code == 404
    assert banner(bastion.socket(session)).startswith(b"SSH-")
    bastion.close(session)


def test_somebody_else_s_session_cannot_be_joined(world, bastion, person):
    mine = bastion.open(world.path("myVM"))
    theirs = person("bob").bastion().open(world.path("myVM"), auth_token=mine["authToken"], node=mine["nodeId"])
    assert theirs["authToken"] != mine["authToken"]
    bastion.close(mine)


def test_tokens_do_not_repeat_and_are_long(world, bastion):
    sessions = [bastion.open(world.path("myVM")) for _ in range(6)]
    tokens = {s[k] for s in sessions for k in ("authToken", "websocketToken")}
    assert len(tokens) == 12 and all(len(token) >= 22 for token in tokens)
    for session in sessions:
        bastion.close(session)


# Refusals say why


@pytest.mark.parametrize("token", ["", "x", "a.b.c", None])
def test_without_a_good_token_there_is_no_session(world, bastion, token):
    status, message = refusal(bastion, world.path("myVM"), aztoken=token)
    assert status in (400, 401) and message


def test_a_graph_token_is_not_for_the_bastion(world, bastion, person):
    alice = person("alice")
    token = alice.endpoint.refresh(alice.tokens["refresh_token"], alice.endpoint.graph_scope)["access_token"]
    assert refusal(bastion, world.path("myVM"), aztoken=token)[0] == 401


def test_a_refresh_token_is_not_for_the_bastion(world, bastion, person):
    assert refusal(bastion, world.path("myVM"), aztoken=person("alice").tokens["refresh_token"])[0] == 401


def test_a_machine_that_is_not_there_and_one_that_may_not_be_seen_look_the_same(world, person):
    dave = person("dave").bastion()
    unseen = refusal(dave, world.path("islandVM", "other"))
    missing = refusal(dave, world.path("noSuchVM", "other"))
    assert unseen[0] == missing[0]
    assert unseen[1].replace("islandVM", "X") == missing[1].replace("noSuchVM", "X")


def test_a_machine_in_a_network_without_peering_is_refused_with_that_reason(world, bastion):
    status, message = refusal(bastion, world.path("lonelyVM", "other"))
    assert "peer" in message.lower()


def test_a_machine_in_a_peered_network_is_allowed(world, bastion):
    session = bastion.open(world.path("peeredVM", "other"))
    bastion.close(session)


@pytest.mark.parametrize("port", ["0", "-1", "65536", "ssh", "22;23", "", "1e3"])
def test_ports_that_are_none_are_refused(world, bastion, port):
    status, message = refusal(bastion, world.path("myVM"), port)
    assert "port" in message.lower()


@pytest.mark.parametrize("protocol", ["udp", "", "rdp2"])
def test_protocols_that_are_none_are_refused(world, bastion, protocol):
    refusal(bastion, world.path("myVM"), protocol=protocol)


@pytest.mark.parametrize(
    "resource",
    [
        "",
        "/",
        "myVM",
        f"/subscriptions/{SUBSCRIPTION}",
        "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/demo/providers/Microsoft.Compute/virtualMachines/myVM",
        "/subscriptions/%00",
        "/subscriptions/" + "x" * 5000,
    ],
    ids=["empty", "root", "name", "subscription", "foreign", "zero", "long"],
)
def test_resources_that_are_no_machines_are_refused(bastion, resource):
    refusal(bastion, resource)


def test_a_body_that_is_no_form_is_refused_in_words(world, bastion):
    for headers, body in (
        ({"Content-Type": "application/json"}, "{}"),
        ({"Content-Type": "application/x-www-form-urlencoded"}, "%%%"),
        ({"Content-Type": "application/x-www-form-urlencoded"}, "resourceId=a&resourceId=b"),
        ({}, ""),
    ):
        answer = bastion.http.post("https://sallyport.test/api/tokens", data=body, headers=headers, timeout=10)
        assert 400 <= answer.status_code < 500 and answer.json()["message"]


def test_a_huge_body_is_refused_early(world):
    head = [("Content-Type", "application/x-www-form-urlencoded"), ("Content-Length", "5000000000")]
    status, _, _ = request(world, "POST", "/api/tokens", head, timeout=5)
    assert status in (0, 400, 413)


# Connections by address


def by_address(address):
    group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/demo"
    return f"{group}/providers/Microsoft.Network/bh-hostConnect/{address}"


def test_a_machine_can_be_reached_by_its_address(bastion):
    session = bastion.open(by_address("10.77.0.11"), hostname="10.77.0.11")
    assert banner(bastion.socket(session)).startswith(b"SSH-")
    bastion.close(session)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "169.254.169.254", "0.0.0.0", "::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "10.80.0.11",
        "10.78.0.1", "10.77.0.1", "224.0.0.1", "255.255.255.255", "localhost", "2130706433", "0x7f.1", "0177.0.0.1",
        "sallyport.test", "10.11.123.456", "fe80::1",
    ],
)  # fmt: skip
def test_addresses_that_are_not_machines_of_the_network_are_refused(bastion, address):
    status, message = refusal(bastion, by_address(address), hostname=address)
    assert message


# The socket


def frames(bastion, session):
    """A raw TLS socket after a good upgrade, for frames that no library sends."""
    context = ssl.create_default_context(cafile=bastion.authority)
    raw = context.wrap_socket(
        socket.create_connection(("sallyport.test", 443), timeout=10), server_hostname="sallyport.test"
    )
    raw.sendall(
        f"GET /webtunnelv2/{session['websocketToken']}?X-Node-Id={session['nodeId']} HTTP/1.1\r\n"
        "Host: sallyport.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: https://sallyport.test\r\n\r\n".encode()
    )
    received = b""
    while b"\r\n\r\n" not in received:
        chunk = raw.recv(4096)
        assert chunk, received
        received += chunk
    assert received.startswith(b"HTTP/1.1 101")
    assert b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in received
    return raw


@pytest.mark.parametrize(
    "frame",
    [
        b"\x82\x05hello",  # not masked
        b"\x81\x85\0\0\0\0hello",  # text
        b"\xc2\x85\0\0\0\0hello",  # reserved bit
        b"\x83\x85\0\0\0\0hello",  # reserved opcode
        b"\x09\x85\0\0\0\0hello",  # fragmented ping
        b"\x89\xfe\x00\x7e\0\0\0\0" + b"x" * 126,  # ping too long
        b"\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0",  # a length with the top bit
        b"\x80\x85\0\0\0\0hello",  # continuation of nothing
    ],
    ids=[
        "unmasked",
        "text",
        "reserved bit",
        "reserved opcode",
        "fragmented ping",
        "long ping",
        "huge length",
        "continuation",
    ],
)
def test_frames_against_the_rules_end_the_connection(world, bastion, frame):
    session = bastion.open(world.path("myVM"))
    raw = frames(bastion, session)
    raw.sendall(frame)
    raw.settimeout(5)
    began = time.monotonic()
    while raw.recv(65536):
        pass
    assert time.monotonic() - began < 5
    bastion.close(session)


def test_one_byte_frames_and_large_frames_arrive_alike(world, bastion):
    session = bastion.open(world.path("myVM"))
    far = bastion.socket(session)
    banner(far)
    for byte in b"SSH-2.0-test\r\n":
        far.send_binary(bytes([byte]))
    assert far.recv()  # sshd's key exchange, so it read the line
    far.send_binary(b"\0" * 300_000)  # nonsense: sshd hangs up, the relay must not
    far.close()
    assert bastion.close(session).status_code in (200, 204, 404)


def test_a_page_of_another_site_cannot_open_the_socket(world, bastion):
    session = bastion.open(world.path("myVM"))
    address = f"wss://sallyport.test/webtunnelv2/{session['websocketToken']}?X-Node-Id={session['nodeId']}"
    with pytest.raises(websocket.WebSocketBadStatusException):
        websocket.create_connection(
            address, origin="https://evil.example", sslopt={"ca_certs": bastion.authority}, timeout=10
        )
    bastion.close(session)


def test_a_target_that_does_not_answer_does_not_hang_the_client(world, bastion):
    """peeredVM has no machine behind it: within the dialling deadline the client gets words or an end."""
    session = bastion.open(world.path("peeredVM", "other"))
    began = time.monotonic()
    try:
        far = bastion.socket(session)
        far.settimeout(30)
        text = far.recv()
        assert text == b"" or text.startswith(b"SSH-")
    except (websocket.WebSocketException, OSError):
        pass
    assert time.monotonic() - began < 25
    bastion.close(session)


def test_a_refusal_that_ssh_can_print(world, bastion):
    """A connection that cannot be made answers ssh in its own protocol, so that it ends with a sentence."""
    import subprocess

    with bastion.tunnel(world.path("peeredVM", "other")) as tunnel:
        done = subprocess.run(
            [
                "ssh",
                "-p",
                str(tunnel.port),
                "-o",
                "BatchMode=yes",
                "-o",
                "UserKnownHostsFile=/dev/null",
                "-v",
                "127.0.0.1",
            ],
            capture_output=True,
            text=True,
            timeout=40,
        )
    assert done.returncode == 255
    assert tunnel.errors or "SSH-" in done.stderr or "closed" in done.stderr.lower()


def test_a_basic_bastion_has_no_native_client(world, person):
    status, message = refusal(person("admin").bastion("basic-bastion", "other"), world.path("islandVM", "other"))
    assert status == 403 and message


def test_the_real_client_s_ssh_ends_with_the_reason(world, person):
    """Without strict handling a refusal is a socket whose first line is for ssh to print."""
    import subprocess

    with person("alice").bastion().tunnel(world.path("lonelyVM", "other")) as tunnel:
        line = person("alice").ssh_line(tunnel.port, "true")
        done = subprocess.run(line, capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL)
    assert tunnel.errors == [] and done.returncode == 255
    # OpenSSH prints a hundred characters of it.
    assert "Access denied" in done.stderr and "lonely" in done.stderr, done.stderr


def test_many_sessions_asked_and_never_used_do_not_pile_up(world, person, bastion):
    """One person's greed has a limit of its own, and nobody else feels it."""
    import re
    from pathlib import Path

    def resident():
        return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{world.server.pid}/status").read_text()).group(1))

    greedy = person("nora").bastion()
    for _ in range(20):
        greedy.ask(world.path("myVM"), strict=True)
    before = resident()
    answers = [greedy.ask(world.path("myVM"), strict=True) for _ in range(400)]
    assert resident() - before < 40_000
    refused = [answer for answer in answers if answer.status_code != 200]
    assert refused and "sessions" in refused[-1].json()["message"]
    session = bastion.open(world.path("myVM"))
    assert banner(bastion.socket(session)).startswith(b"SSH-")
    bastion.close(session)


def test_ssh_behind_the_real_extension_ends_when_the_machine_refuses(world, person):
    """The extension does not close ssh's socket when the far end has gone; without help ssh would wait for ever."""
    dave = person("dave")
    with dave.bastion().tunnel(world.path("myVM"), forgetful=True) as tunnel:
        done = subprocess.run(
            dave.ssh_line(tunnel.port, "id", options=["-v"]),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=20,
        )
    assert done.returncode == 255 and "Azure role not assigned" in done.stderr, done.stderr


def test_ssh_behind_the_real_extension_ends_well(world, alice):
    with alice.bastion().tunnel(world.path("myVM"), forgetful=True) as tunnel:
        done = subprocess.run(
            alice.ssh_line(tunnel.port, "echo through; exit 3"), capture_output=True, text=True, timeout=20
        )
    assert (done.returncode, done.stdout) == (3, "through\n"), done.stderr
