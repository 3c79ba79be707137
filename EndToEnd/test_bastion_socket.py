"""The bastion's WebSocket: frames against the rules, and how ssh behind it ends."""

import socket
import ssl
import subprocess
import time

import pytest
import websocket


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
    far.recv()
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


def test_the_real_client_s_ssh_ends_with_the_reason(world, person):
    """Without strict handling a refusal is a socket whose first line is for ssh to print."""
    with person("alice").bastion().tunnel(world.path("lonelyVM", "other")) as tunnel:
        line = person("alice").ssh_line(tunnel.port, "true")
        done = subprocess.run(line, capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL)
    assert tunnel.errors == [] and done.returncode == 255
    # OpenSSH prints a hundred characters of it.
    assert "Access denied" in done.stderr and "lonely" in done.stderr, done.stderr


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


def test_ssh_behind_the_real_extension_ends_well(world, person):
    world.machine("myVM")
    alice = person("alice")
    with alice.bastion().tunnel(world.path("myVM"), forgetful=True) as tunnel:
        done = subprocess.run(
            alice.ssh_line(tunnel.port, "echo through; exit 3"), capture_output=True, text=True, timeout=20
        )
    assert (done.returncode, done.stdout) == (3, "through\n"), done.stderr
