"""The one port, against people who do not speak HTTP as it is meant."""

import contextlib
import socket
import ssl
import threading
import time

import pytest

from raw_http import exchange, request


def is_well(world):
    return request(world, "GET", "/healthz")[0] == 200


@pytest.mark.parametrize(
    "data",
    [
        b"POST /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        b"GET /admin HTTP/1.1\r\n\r\n",
        b"POST /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        b"POST /healthz HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        b"POST /healthz HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: a\nEvil: b\r\n\x00\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: a\r\n folded: x\r\n\r\n",
        b"GET http://evil.example/ HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"\x00" * 2000,
        b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n",
    ],
    ids=[
        "both lengths",
        "two lengths",
        "odd coding",
        "space",
        "bare newline",
        "folded",
        "negative",
        "zeros",
        "half http2",
    ],
)
def test_smuggling_gets_one_answer_or_none(world, data):
    answer = exchange(world, data, timeout=3)
    assert answer.count(b"HTTP/1.1 ") <= 1
    assert b" 500 " not in answer[:40]
    assert is_well(world)


def test_endless_headers_are_cut_off(world):
    data = b"GET /healthz HTTP/1.1\r\nHost: a\r\n" + b"".join(b"X-%d: %s\r\n" % (i, b"y" * 1000) for i in range(2000))
    answer = b""
    with contextlib.suppress(OSError, ssl.SSLError):
        answer = exchange(world, data, timeout=5)
    assert b"200" not in answer[:20] and is_well(world)


def test_a_slow_handshake_and_a_slow_request_hold_nobody_up(world):
    idle = [socket.create_connection(("sallyport.test", 443), timeout=10) for _ in range(200)]
    context = ssl.create_default_context(cafile=str(world.server.authority))
    slow = []
    for _ in range(50):
        connection = context.wrap_socket(
            socket.create_connection(("sallyport.test", 443), timeout=10), server_hostname="sallyport.test"
        )
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: sally")
        slow.append(connection)
    began = time.monotonic()
    assert is_well(world) and time.monotonic() - began < 2
    for connection in idle + slow:
        connection.close()


def test_one_connection_that_never_speaks_is_closed_in_the_end(world):
    connection = socket.create_connection(("sallyport.test", 443), timeout=90)
    began = time.monotonic()
    assert connection.recv(1) == b""
    assert time.monotonic() - began < 80


def test_many_at_once(world):
    errors = []

    def run():
        for _ in range(10):
            try:
                if request(world, "GET", "/healthz")[0] != 200:
                    errors.append("status")
            except OSError as error:
                errors.append(error)

    threads = [threading.Thread(target=run) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_old_tls_is_refused(world):
    context = ssl.create_default_context(cafile=str(world.server.authority))
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, ConnectionError)):
        context.wrap_socket(
            socket.create_connection(("sallyport.test", 443), timeout=5), server_hostname="sallyport.test"
        )


def test_both_http_versions_are_offered(world):
    import subprocess

    for version in ("--http1.1", "--http2"):
        done = subprocess.run(
            ["curl", "-s", version, "-o", "/dev/null", "-w", "%{http_version} %{http_code}", "--noproxy", "*",
             "--cacert", str(world.server.authority), f"{world.url}/healthz"],
            capture_output=True, text=True, timeout=20,
        )  # fmt: skip
        assert done.stdout == ("1.1 200" if version == "--http1.1" else "2 200"), done.stderr


@pytest.mark.parametrize(
    "path", ["/metrics", "/debug", "/debug/pprof", "/.git/config", "/..%2f..%2fetc/passwd", "/data/tls/ca.key"]
)
def test_nothing_is_served_that_nobody_asked_for(world, path):
    status, _, body = request(world, "GET", path)
    assert status in (400, 401, 403, 404) and "root:" not in body and "PRIVATE" not in body


@pytest.mark.parametrize("header", ["X-Sallyport-Source", "x-sallyport-source"])
def test_the_internal_source_header_is_not_taken_from_clients(world, header, endpoint):
    form = endpoint.user_form("password", endpoint.arm_scope, username="spoofer@contoso.example", password="x")
    address = f"{world.url}/contoso.example/oauth2/v2.0/token"
    endpoint.http.post(address, data=form, headers={header: "203.0.113.77"}, timeout=10)
    assert "203.0.113.77" not in "".join(world.logs().values())


def test_only_the_one_port_is_open(world):
    import subprocess

    listed = subprocess.run(
        ["nsenter", f"--net={world.server_place.path}", "ss", "-Hltun"], capture_output=True, text=True
    ).stdout
    ports = {line.split()[4].rpartition(":")[2] for line in listed.splitlines()}
    assert ports == {"443"}


def test_the_server_s_own_errors_say_nothing_about_its_insides(world, person):
    answer = person("alice").arm.send("PUT", world.group("x" * 3000), body={"location": "local"})
    assert answer.status_code in (400, 403, 404, 414)
    for word in ("sqlite", "swift", "/root", "GRDB", "stack"):
        assert word not in answer.text.lower()
