"""Requests exactly as written, for what well-behaved libraries refuse to send."""

import contextlib
import socket
import ssl


def exchange(world, data, timeout=10.0, limit=1_000_000):
    """Sends bytes over TLS to the server and returns everything that comes back until it closes or falls silent."""
    context = ssl.create_default_context(cafile=str(world.server.authority))
    raw = socket.create_connection(("sallyport.test", 443), timeout=timeout)
    with context.wrap_socket(raw, server_hostname="sallyport.test") as connection:
        connection.sendall(data)
        received = b""
        with contextlib.suppress(TimeoutError, ConnectionResetError, ssl.SSLError):
            while len(received) < limit and (chunk := connection.recv(65536)):
                received += chunk
        return received


def request(world, method, target, headers=(), body=b"", **more):
    """One request with an unchanged target; returns (status, head, body). Status 0 means that nothing came back."""
    lines = [f"{method} {target} HTTP/1.1", "Host: sallyport.test", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    answer = exchange(world, "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body, **more)
    head, _, rest = answer.partition(b"\r\n\r\n")
    status = int(head.split(b" ")[1]) if head.startswith(b"HTTP/1.1 ") else 0
    return status, head.decode("latin-1"), rest.decode("utf-8", "replace")
