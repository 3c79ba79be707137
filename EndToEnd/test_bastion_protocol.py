"""The bastion's sessions and tokens as the extension uses them, and as an attacker would."""

import contextlib
import re
import threading
from pathlib import Path

import pytest
import websocket


def test_a_session_from_token_to_sshd_s_greeting_and_back(world, bastion):
    session = bastion.open(world.path("myVM"))
    assert {"authToken", "nodeId", "websocketToken"} <= session.keys()
    far = bastion.socket(session)
    assert far.recv().startswith(b"SSH-2.0-OpenSSH")
    far.close(status=1000)
    assert bastion.close(session).status_code in (200, 204)
    assert bastion.close(session).status_code in (200, 204, 404)


def test_the_resource_path_may_be_written_in_any_case(world, bastion):
    session = bastion.open(world.path("MYVM").replace("resourceGroups", "resourcegroups"))
    assert bastion.socket(session).recv().startswith(b"SSH-")
    bastion.close(session)


def test_a_second_connection_keeps_the_session(world, bastion):
    first = bastion.open(world.path("myVM"))
    near = bastion.socket(first)
    second = bastion.open(world.path("myVM"), auth_token=first["authToken"], node=first["nodeId"])
    assert second["authToken"] == first["authToken"] and second["websocketToken"] != first["websocketToken"]
    assert bastion.socket(second).recv().startswith(b"SSH-") and near.recv().startswith(b"SSH-")
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
    far.recv()
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
    assert bastion.socket(session).recv().startswith(b"SSH-")
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


def test_many_sessions_asked_and_never_used_do_not_pile_up(world, person, bastion):
    """One person's greed has a limit of its own, and nobody else feels it."""

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
    assert bastion.socket(session).recv().startswith(b"SSH-")
    bastion.close(session)
