"""The Remote Desktop gateway: the tokens of connection files, and both ways to carry a desktop."""

import contextlib
import socket
import subprocess
import time
import uuid

import gateway_client as gw
import pytest
from gateway_client import Gateway, Refused, properties
from gateway_fixtures import PORT


def refused(call):
    with pytest.raises(Refused) as caught:
        call()
    return caught.value.code


@pytest.mark.parametrize("way", ["websocket", "pair"])
def test_a_desktop_s_bytes_pass_both_ways_unchanged(gateway, file, way):
    client = getattr(gateway, way)().open(file()["gatewayaccesstoken"], "myvm", PORT)
    client.write(gw.REQUEST)
    assert client.read(len(gw.REQUEST)) == gw.REQUEST
    block = bytes(range(256)) * 128
    for _ in range(30):
        client.write(block)
        assert client.read(len(block)) == block
    client.close()


@pytest.mark.parametrize("way", ["websocket", "pair"])
def test_a_client_that_does_not_read_is_held_back(gateway, file, world, way):
    client = getattr(gateway, way)().open(file()["gatewayaccesstoken"], "myvm", PORT)
    client.write(gw.REQUEST)
    into = client.transport.into if way == "pair" else client.transport.stream
    into.settimeout(3)
    sent = 0
    with contextlib.suppress(TimeoutError, OSError):
        while sent < 200 << 20:
            client.write(b"x" * 65000)
            sent += 65000
    assert sent < 100 << 20, "the server takes everything although nobody reads"
    client.close()


@pytest.mark.parametrize("way", ["websocket", "pair"])
def test_a_token_opens_one_desktop_only(gateway, file, way):
    token = file()["gatewayaccesstoken"]
    client = getattr(gateway, way)().open(token, "myvm", PORT)
    again = lambda: getattr(gateway, way)().open(token, "myvm", PORT, capabilities=gw.MUTE)
    assert refused(again) == gw.TOKEN_REFUSED
    client.write(gw.REQUEST)
    assert client.read(len(gw.REQUEST)) == gw.REQUEST
    client.close()
    assert refused(again) == gw.TOKEN_REFUSED


@pytest.mark.parametrize("way", ["websocket", "pair"])
def test_a_client_that_shows_messages_learns_what_to_do_about_a_dead_token_and_reaches_nothing(gateway, file, way):
    token = file()["gatewayaccesstoken"]
    getattr(gateway, way)().open(token, "myvm", PORT).close()
    used = (
        "used before; each opens one desktop, once. Download a new one, open this one with 'sally rdp open', or run "
        "'sally network bastion rdp --name"
    )
    for dead, words in [(token, used), ("0" * 43, "opens nothing here")]:
        client = getattr(gateway, way)().open(dead, "10.77.0.21", 22)
        client.write(gw.REQUEST)
        assert client.closing() == gw.TOKEN_REFUSED
        assert len(client.messages) == 1 and words in client.messages[0]
        with pytest.raises((gw.Ended, OSError)):
            client.receive()


@pytest.mark.parametrize("token", ["x", "0" * 43, "é" * 20000, "eyJhbGciOiJub25lIn0.e30."])
def test_guessed_tokens_open_nothing(gateway, token):
    client = gateway.websocket()
    client.handshake()
    assert refused(lambda: client.tunnel(token, capabilities=gw.MUTE)) == gw.TOKEN_REFUSED


def test_no_token_opens_nothing(gateway):
    client = gateway.websocket()
    client.handshake()
    assert refused(lambda: client.tunnel(None)) == 0x800759F7


def test_a_token_opens_no_other_machine_and_no_other_port(gateway, file, world):
    for name, port in [("vm11", PORT), ("10.77.0.21", PORT), ("127.0.0.1", PORT), ("myvm", 22), ("myvm", 0)]:
        token = file()["gatewayaccesstoken"]
        attempt = lambda t=token, n=name, p=port, **how: gateway.websocket().open(t, n, p, **how)
        assert refused(lambda a=attempt: a(capabilities=gw.MUTE)) == gw.TARGET_DENIED
    log = world.server.audit()
    assert "GatewayTargetOther" in log and "GatewayPortOther" in log


def test_a_token_is_worth_nothing_at_another_address(world, gateway, file):
    place = world.client_place
    device = next(
        line.split()[1] for line in subprocess.run(place.inside(["ip", "-o", "addr"]), capture_output=True, text=True)
        .stdout.splitlines() if "10.78.0.2/" in line
    )  # fmt: skip
    subprocess.run(place.inside(["ip", "addr", "replace", "10.78.0.3/24", "dev", device]), check=True)
    stranger = Gateway(f"{gateway.name}:{gateway.address[1]}", gateway.authority, source="10.78.0.3")
    token = file()["gatewayaccesstoken"]
    attempt = lambda who: refused(lambda: who.websocket().open(token, "myvm", PORT, capabilities=gw.MUTE))
    assert attempt(stranger) == gw.TOKEN_REFUSED
    assert "GatewayTokenFromElsewhere" in world.server.audit()
    # Two have it now, so it opens nothing any more.
    assert attempt(gateway) == gw.TOKEN_REFUSED
    # And nobody's way in is taken for somebody else's.
    connection = uuid.uuid4()
    out, _ = gateway.out(connection)
    assert refused(lambda: stranger.into(connection)) == 404
    out.close()


def test_a_way_in_is_taken_once(gateway, file):
    connection = uuid.uuid4()
    out, rest = gateway.out(connection)
    assert refused(lambda: gateway.into(uuid.uuid4())) == 404
    with pytest.raises((gw.Ended, OSError)):
        gateway.out(connection)
    into = gateway.into(connection)
    assert refused(lambda: gateway.into(connection)) == 404
    client = gw.Client(gw._Pair(out, rest, into))
    client.open(file()["gatewayaccesstoken"], "myvm", PORT)
    client.write(gw.REQUEST)
    assert client.read(len(gw.REQUEST)) == gw.REQUEST
    client.close()


def test_another_person_s_session_ends_with_its_session_only(world, person, gateway, file):
    mine = gateway.websocket().open(file("alice")["gatewayaccesstoken"], "myvm", PORT)
    theirs = gateway.websocket().open(file("bob")["gatewayaccesstoken"], "myvm", PORT)
    mine.close()
    theirs.write(gw.REQUEST)
    assert theirs.read(len(gw.REQUEST)) == gw.REQUEST
    theirs.close()


@pytest.mark.parametrize(
    "fields", [{"RDG-Auth-Scheme": None, "Authorization": "NTLM TlRMTVNTUAABAAAA"}, {"RDG-Auth-Scheme": None}]
)
def test_without_a_token_the_client_is_told_where_to_get_one(gateway, fields):
    with pytest.raises(Refused) as caught:
        gateway.websocket(**fields)
    assert caught.value.code == 401 and "'sally network bastion rdp'" in caught.value.text
    assert "ntlm" not in caught.value.text.split("\r\n\r\n")[0]
    with pytest.raises(Refused) as caught:
        gateway.out(uuid.uuid4(), **fields)
    assert caught.value.code == 401


def test_only_tokens_are_taken(gateway):
    assert refused(lambda: gateway.websocket().handshake(authentication=4)) == gw.NOT_SUPPORTED


@pytest.mark.parametrize(
    "garbage",
    [b"GET / HTTP/1.1\r\n\r\n", b"\0" * 64, gw.packet(gw.CHANNEL, b"\xff" * 6), gw.packet(gw.DATA, b"\x05\0hello"),
     b"\x04\0\0\0\xff\xff\xff\xff", gw.packet(0x77)],
)  # fmt: skip
def test_garbage_ends_the_connection_and_nothing_else(gateway, file, garbage):
    for make in (gateway.websocket, gateway.pair):
        client = make()
        client.transport.send(garbage)
        with pytest.raises((gw.Ended, OSError)):
            while True:
                client.receive()
    gateway.websocket().open(file()["gatewayaccesstoken"], "myvm", PORT).close()


def test_a_desktop_that_does_not_answer_says_so(gateway, file):
    attempt = lambda **how: gateway.websocket().open(file(port=33999)["gatewayaccesstoken"], "myvm", 33999, **how)
    assert refused(lambda: attempt(capabilities=gw.MUTE)) == gw.UNREACHABLE
    client = attempt()
    assert client.closing() == gw.UNREACHABLE
    assert len(client.messages) == 1 and "Nothing answers at port 33999" in client.messages[0]


def test_the_target_s_end_is_the_client_s(gateway, file, host):
    client = gateway.websocket().open(file()["gatewayaccesstoken"], "myvm", PORT)
    client.write(gw.REQUEST)
    client.read(len(gw.REQUEST))
    host.end_service("echo")
    client.transport.stream.settimeout(10)
    assert client.closing() in (0x4CA, 0x4D4)
    host.serve("echo", "python3", "/root/echo.py")
    for _ in range(100):
        if f":{PORT} " in host.run("ss", "-ltn"):
            break
        time.sleep(0.1)


def test_what_happened_at_the_gateway_is_in_the_audit_log(world, gateway, file):
    gateway.websocket().open(file("bob")["gatewayaccesstoken"], "myvm", PORT).close()
    for _ in range(50):
        log = world.server.audit()
        if "gateway.close" in log:
            break
        time.sleep(0.1)
    assert all(action in log for action in ("gateway.admit", "gateway.open", "gateway.close"))


def test_slow_strangers_do_not_keep_others_out(gateway, file):
    """Half-open gateways from one address are bounded, and end by themselves (X10)."""
    held, full = [], False
    for _ in range(40):
        try:
            held.append(gateway.websocket())
        except Refused as refusal:
            full = refusal.code == 503
            break
    assert full and len(held) == 32
    for client in held:
        client.close()
    for _ in range(50):
        with contextlib.suppress(Refused):
            gateway.websocket().open(file()["gatewayaccesstoken"], "myvm", PORT).close()
            break
        time.sleep(0.1)
    else:
        pytest.fail("nobody gets in any more")


def test_a_dead_connection_id_is_refused(gateway):
    stream = gw.tls(gateway.address, gateway.authority, gateway.name)
    stream.sendall(
        b"RDG_OUT_DATA /remoteDesktopGateway/ HTTP/1.1\r\nHost: x\r\nRDG-Auth-Scheme: PAA\r\nContent-Length: 0\r\n\r\n"
    )
    assert gw.head(stream)[0] == 400
    with contextlib.suppress(socket.error):
        stream.close()


def test_any_azure_command_line_fetches_a_file_that_signs_in_by_its_account(world, az, tmp_path):
    """For mstsc, which cannot be sent to another authority for a web account: what `az rest` gets needs none."""
    world.machine("deskVM")
    url = f"{world.url}/api/rdpfile?resourceId={world.path('deskVM')}&format=rdp"
    az("alice").run("rest", "--method", "get", "--url", url, "--output-file", tmp_path / "desk.rdp")
    found = properties((tmp_path / "desk.rdp").read_text())
    assert (found["enablecredsspsupport"], found["enablerdsaadauth"], found["prompt for credentials"]) == (0, 0, 0)
    assert found["sallyport target"] == world.path("deskVM") and found["sallyport bastion"] == world.bastion()
