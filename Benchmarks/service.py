"""A running server as its clients see it, with nothing but the standard library: tokens, roles, tunnels."""

import http.client
import json
import ssl
import time
import urllib.parse

from tunnel_ends import WebSocket

AZURE_CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
ADMINISTRATOR_LOGIN = "1c0163c0-47e6-4577-8991-ea5c82e286e4"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"


class Service:
    """One person's way to a server of `login.Lab`; call from its network."""

    def __init__(self, lab, name):
        self.host = urllib.parse.urlsplit(lab.url).netloc
        self._context = ssl.create_default_context(cafile=lab.server.authority)
        self._connection = None
        endpoints = self.send("GET", "/metadata/endpoints?api-version=2022-09-01")
        form = {
            "client_id": AZURE_CLI,
            "grant_type": "password",
            "scope": endpoints["authentication"]["audiences"][0] + "/.default",
            "username": f"{name}@contoso.example",
            "password": lab.secrets[f"SALLYPORT_{name.upper()}_PASSWORD"],
        }
        self.token = self.send("POST", "/contoso.example/oauth2/v2.0/token", form=form)["access_token"]

    def send(self, method, path, form=None, body=None, token=None):
        """One request; its answer as JSON. Anything but a good status is an error."""
        content = self.fetch(method, path, form, body, token)
        return json.loads(content) if content else None

    def fetch(self, method, path, form=None, body=None, token=None):
        """One request; its answer's bytes. Anything but a good status is an error."""
        headers, text = {}, None
        if form:
            text, headers["Content-Type"] = urllib.parse.urlencode(form), "application/x-www-form-urlencoded"
        if body:
            text, headers["Content-Type"] = json.dumps(body), "application/json"
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if not self._connection:
            self._connection = http.client.HTTPSConnection(self.host, context=self._context, timeout=30)
        self._connection.request(method, path, text, headers)
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status >= 300:
            raise OSError(f"{method} {path}: {answer.status} {content[:500].decode(errors='replace')}")
        return content

    def connection_file(self, machine, port):
        """The text of a fresh connection file. Sessions that ended count for another minute: waits for room."""
        query = urllib.parse.urlencode({"resourceId": machine, "format": "rdp", "rdpport": port})
        deadline = time.monotonic() + 75
        while True:
            try:
                return self.fetch("GET", f"/api/rdpfile?{query}", token=self.token).decode()
            except OSError as error:
                if "Too many sessions" not in str(error) or time.monotonic() > deadline:
                    raise
            time.sleep(1)

    def resource(self, method, path, body=None):
        """One request to the resource API."""
        return self.send(
            method, f"{path}{'&' if '?' in path else '?'}api-version=2022-04-01", body=body, token=self.token
        )


class TunnelMaker:
    """Tunnels of one person through the bastion to one port of a machine; `pid` is the server's."""

    def __init__(self, service, pid, machine, port):
        self.service, self.pid, self.machine, self.port = service, pid, machine, port
        self._session = ""

    def connect(self):
        """A new tunnel: a token for it, then its WebSocket. All belong to one session, as those of one `az` do."""
        form = {"resourceId": self.machine, "protocol": "tcptunnel", "workloadHostPort": self.port}
        answer = self.service.send(
            "POST", "/api/tokens", form={**form, "aztoken": self.service.token, "token": self._session}
        )
        self._session = answer["authToken"]
        path = f"/webtunnelv2/{answer['websocketToken']}?X-Node-Id={answer['nodeId']}"
        return WebSocket(int(self.service.host.rpartition(":")[2]), path, self.service.host)


def until(condition, seconds=30):
    """Waits until a condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise OSError(f"not within {seconds} s")
        time.sleep(0.02)
