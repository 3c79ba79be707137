"""A machine behind the Remote Desktop gateway that says back what it hears, and connection files for it."""

import json
import time

import pytest
import requests
from gateway_client import Gateway, properties

PORT = 33890
ECHO = """
import socket, threading
def serve(near):
    with near:
        while data := near.recv(65536):
            near.sendall(data)
listener = socket.create_server(("0.0.0.0", 33890), backlog=50)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"""


@pytest.fixture(scope="module")
def host(world):
    """The machine, with a port that says back what it hears: what the gateway carries is not its business."""
    machine = world.machine("myVM")
    machine.write("/root/echo.py", ECHO)
    machine.serve("echo", "python3", "/root/echo.py")
    for _ in range(100):
        if f":{PORT} " in machine.run("ss", "-ltn"):
            break
        time.sleep(0.1)
    yield machine
    machine.end_service("echo")


@pytest.fixture
def gateway(world, person, host):
    return Gateway(person("alice").bastion().dns_name, world.server.authority)


@pytest.fixture
def file(world, person, host):
    """file("alice"): a connection file's properties."""

    def get(name="alice", port=PORT, web_account="False", resource=None):
        answer = ask(world, person(name), resource or world.path("myVM"), port, web_account)
        assert answer.status_code == 200, answer.text
        return properties(answer.text)

    return get


def ask(world, who, resource, port=PORT, web_account="False", **headers):
    """`GET /api/rdpfile` as the Azure command line's extension sends it."""
    query = f"resourceId={resource}&format=rdp&rdpport={port}"
    if web_account is not None:
        query += f"&enablerdsaad={web_account}"
    fields = {"Authorization": f"Bearer {who.tokens['access_token']}", "Content-Type": "application/json"} | headers
    return requests.get(
        f"{world.url}/api/rdpfile?{query}",
        headers={name: value for name, value in fields.items() if value},
        verify=str(world.server.authority),
        timeout=20,
    )


def records(world, action):
    """The audit log's entries about one action, the newest last."""
    lines = [json.loads(line) for line in world.server.audit().splitlines() if line.startswith("{")]
    return [line for line in lines if (line.get("event") or line).get("action") == action]
