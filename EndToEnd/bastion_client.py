"""The bastion extension's side of the wire: `POST /api/tokens`, a WebSocket per connection, `DELETE` at the end.

The extension is not on PyPI, so the tests speak its protocol themselves, deliberately as literally as it does.
"""

import contextlib
import socket
import ssl
import threading

import requests
import websocket


class TokenRefused(Exception):
    """`POST /api/tokens` was answered with something else than 200."""

    def __init__(self, status, message):
        self.status = status
        self.message = message
        super().__init__(f"{status}: {message}")


class BastionClient:
    """Somebody's way through one bastion host."""

    def __init__(self, dns_name, authority, token):
        self.dns_name = dns_name
        self.authority = str(authority)
        self.token = token
        self.http = requests.Session()
        self.http.verify = self.authority
        self.http.trust_env = False

    def ask(self, resource, port=22, auth_token=None, node=None, strict=False, **fields):
        """The answer of `POST /api/tokens`, whatever it is. It is a form, and bears no Authorization header.

        The real client hangs when it is refused here; so the server lets it in to a socket that tells ssh the reason,
        unless the request asks for strict handling (RFC 7240), which the tests do to see the decision itself.
        """
        form = {
            "resourceId": resource,
            "protocol": "tcptunnel",
            "workloadHostPort": port,
            "aztoken": self.token,
            "token": auth_token,
            **fields,
        }
        headers = {"X-Node-Id": node} if node else {}
        if strict:
            headers["Prefer"] = "handling=strict"
        return self.http.post(f"https://{self.dns_name}/api/tokens", data=form, headers=headers, timeout=20)

    def open(self, resource, port=22, **fields):
        """A session: the three tokens of a granted request."""
        answer = self.ask(resource, port, **fields)
        if answer.status_code != 200:
            raise TokenRefused(answer.status_code, answer.json()["message"])
        return answer.json()

    def socket(self, session, websocket_token=None, node=None):
        """The WebSocket of a session; raises websocket.WebSocketBadStatusException when the upgrade is refused."""
        token = websocket_token or session["websocketToken"]
        address = f"wss://{self.dns_name}/webtunnelv2/{token}?X-Node-Id={node or session['nodeId']}"
        return websocket.create_connection(
            address, sslopt={"ca_certs": self.authority, "cert_reqs": ssl.CERT_REQUIRED}, timeout=20
        )

    def close(self, session):
        """Ends a session; 200, 204 and 404 are all fine with the extension."""
        return self.http.delete(
            f"https://{self.dns_name}/api/tokens/{session['authToken']}",
            headers={"X-Node-Id": session["nodeId"]},
            timeout=20,
        )

    @contextlib.contextmanager
    def tunnel(self, resource, port=22, forgetful=False, **fields):
        """A local port that leads to the target while the block runs, as `az network bastion tunnel` makes it.

        A `forgetful` one is as literal as can be: like the extension it does not tell the local program that the far
        end has gone, because one thread closes a socket that another one is still reading.
        """
        listener = Listener(self, resource, port, fields, forgetful)
        try:
            yield listener
        finally:
            listener.end()


class Listener:
    """A listening socket; each accepted connection asks for its own token and gets its own WebSocket."""

    def __init__(self, client, resource, port, fields, forgetful=False):
        self.client = client
        self.resource = resource
        self.target_port = port
        self.fields = fields
        self.forgetful = forgetful
        self.session = None
        self.errors = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                local, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(local,), daemon=True).start()

    def _serve(self, local):
        # The real extension leaves the local program hanging when it is refused; the tests close, to see it at once.
        with local:
            try:
                last = self.session or {}
                self.session = self.client.open(
                    self.resource,
                    self.target_port,
                    auth_token=last.get("authToken"),
                    node=last.get("nodeId"),
                    **self.fields,
                )
                far = self.client.socket(self.session)
            except (TokenRefused, websocket.WebSocketException, OSError) as error:
                self.errors.append(error)
                return
            far.settimeout(None)
            upward = threading.Thread(target=_up, args=(local, far), daemon=True)
            upward.start()
            _down(far, local)
            if self.forgetful:
                upward.join()
                return
            with contextlib.suppress(OSError):
                local.shutdown(socket.SHUT_RDWR)
            upward.join(5)

    def end(self):
        """Closes the listener and the session."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        if self.session:
            self.client.close(self.session)


def _up(local, far):
    """Local bytes to the bastion: binary frames of at most 4096 bytes."""
    with contextlib.suppress(OSError, websocket.WebSocketException):
        while data := local.recv(4096):
            far.send_binary(data)
    with contextlib.suppress(OSError, websocket.WebSocketException):
        far.close(status=1000, timeout=1)


def _down(far, local):
    """The bastion's frames to the local socket; an empty data frame is taken as the end."""
    with contextlib.suppress(OSError, websocket.WebSocketException):
        while True:
            kind, data = far.recv_data()
            if kind != websocket.ABNF.OPCODE_BINARY or not data:
                return
            local.sendall(data)
