"""The server as a machine's agent sees it, played by a test: says who may enter and asks for desktops, as it likes."""

import base64
import contextlib
import ctypes
import hashlib
import json
import os
import socket
import struct
import threading
import time
import uuid

_WEBSOCKET = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def listen_in(namespace, address, port):
    """A listening socket in another network namespace."""
    result = []

    def work():
        libc = ctypes.CDLL(None, use_errno=True)
        with open(namespace) as place:
            if libc.setns(place.fileno(), 0x40000000) != 0:
                raise OSError(ctypes.get_errno(), "setns")
        result.append(socket.create_server((address, port)))

    # A thread of its own: the namespace is the thread's, and it ends at once.
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return result[0]


class HostServer:
    """Speaks the agent's protocol over plain HTTP with one machine. Use it in a `with`."""

    def __init__(self, namespace, address, port, signing_key):
        self.url = f"http://{address}:{port}"
        self.accounts = {}
        #: Object ids that may not enter, with the sentence.
        self.refused = {}
        self.sessions = {}
        self.closed = []
        self.status = {}
        self.questions = []
        self._signing_key = signing_key
        self._answers = {}
        self._changed = threading.Condition()
        self._connection = None
        self._lock = threading.Lock()
        self._listener = listen_in(namespace, address, port)

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._listener.close()
        if self._connection:
            self._connection.close()

    # What tests do

    def add(self, name, number, administrator=False):
        """Gives somebody a role; returns the object id."""
        who = str(uuid.UUID(int=number, version=4))
        account = {"objectId": who, "name": name, "uid": 1879048192 + number, "displayName": name.split("@")[0]}
        self.accounts[who] = account | {"administrator": administrator, "aliases": []}
        self.tell_accounts()
        return who

    def remove(self, who):
        """Takes somebody's role away, as the server does when an assignment is deleted."""
        self.accounts.pop(who)
        self.refused[who] = "the role was taken away"
        self.tell_accounts()

    def tell_accounts(self):
        if self._connection:
            self._send({"kind": "accounts", "accounts": list(self.accounts.values())})

    def end(self, **order):
        """Orders the end of sessions: session=…, objectId=…, with a message."""
        self._send({"kind": "end", "message": "the end"} | order)

    def prepare(self, who, seconds=10):
        """Asks the agent for somebody's credential; its whole answer."""
        request, session = str(uuid.uuid4()), str(uuid.uuid4())
        order = {"kind": "prepareDesktop", "request": request, "session": session, "account": self.accounts[who]}
        self._send(order)
        with self._changed:
            assert self._changed.wait_for(lambda: request in self._answers, seconds), "the agent says nothing"
            return self._answers.pop(request)

    def settle(self, answer):
        """Says that a sign-in is over."""
        self._send({"kind": "desktopSettled", "request": answer["request"]})

    def wait_for(self, condition, seconds, what):
        """Waits until something is so; returns how long it took."""
        began = time.monotonic()
        with self._changed:
            assert self._changed.wait_for(condition, seconds), f"{what} within {seconds} s"
        return time.monotonic() - began

    # HTTP and WebSocket, as much as an agent needs

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with contextlib.suppress(OSError, EOFError, struct.error):
            file = connection.makefile("rb")
            method, path, _ = file.readline().decode().split(" ", 2)
            headers = {}
            while line := file.readline().strip():
                name, _, value = line.decode().partition(":")
                headers[name.lower()] = value.strip()
            if path == "/control" and "sec-websocket-key" in headers:
                self._control(connection, file, headers["sec-websocket-key"])
                return
            body = file.read(int(headers.get("content-length", 0)))
            self._answer(connection, json.loads(body) if body and method == "POST" else {})

    def _answer(self, connection, asked):
        content = {"hostId": str(uuid.uuid4()), "tenantId": str(uuid.uuid4()), "controlPath": "/control"}
        content |= {"resourceId": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/vm"}
        text = json.dumps(content if "token" in asked else {}).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(text)}\r\n"
        connection.sendall(head.encode() + b"Connection: close\r\n\r\n" + text)
        connection.close()

    def _control(self, connection, file, key):
        proof = base64.b64encode(hashlib.sha1((key + _WEBSOCKET).encode()).digest()).decode()
        head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        connection.sendall(f"{head}Sec-WebSocket-Accept: {proof}\r\n\r\n".encode())
        self._connection = connection
        told = {"caKeys": [self._signing_key], "revocationList": "", "hostCertificates": [], "loginEnabled": True}
        told |= {"hostCertificateAuthorities": [], "adminsSudo": True, "cutAtExpiry": False, "relayNetworks": []}
        self._send({"kind": "configuration", "decisionCacheSeconds": 600, "compute": {}} | told)
        self.tell_accounts()
        while True:
            kind, payload = self._receive(file)
            if kind == 8:
                return
            if kind == 9:
                self._frame(10, payload)
            if kind == 1:
                self._take(json.loads(payload))

    def _receive(self, file):
        first, second = struct.unpack("!BB", file.read(2))
        length = second & 0x7F
        if length == 126:
            (length,) = struct.unpack("!H", file.read(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", file.read(8))
        mask = file.read(4) if second & 0x80 else bytes(4)
        payload = file.read(length)
        return first & 0x0F, bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))

    def _frame(self, kind, payload):
        size = len(payload)
        head = struct.pack("!BB", 0x80 | kind, size) if size < 126 else struct.pack("!BBH", 0x80 | kind, 126, size)
        with self._lock:
            self._connection.sendall(head + payload)

    def _send(self, message):
        self._frame(1, json.dumps(message).encode())

    def _take(self, message):
        reply = {}
        with self._changed:
            match message["kind"]:
                case "status":
                    self.status = message
                case "lookup":
                    found = [one for one in self.accounts.values() if one["name"] == message["name"]]
                    reply = {"account": found[0] if found else None}
                case "decide":
                    self.questions.append(message)
                    reply = self._decide(message["objectId"])
                case "sessionOpened":
                    self.sessions[message["session"]] = message
                case "sessionClosed":
                    self.sessions.pop(message["session"], None)
                    self.closed.append(message)
                case "desktop":
                    self._answers[message["request"]] = message
            self._changed.notify_all()
        if "id" in message:
            self._send({"kind": "reply", "id": message["id"]} | reply)

    def _decide(self, who):
        if who in self.refused or who not in self.accounts:
            refusal = {"code": "RoleMissing", "reason": self.refused.get(who, "no role"), "remedy": ""}
            return {"allowed": False, "administrator": False, "refusal": refusal}
        account = self.accounts[who]
        return {"allowed": True, "administrator": account["administrator"], "account": account}


def signing_key(folder):
    """The public half of an SSH key, as one line."""
    path = os.path.join(folder, "signing-key")
    if not os.path.exists(path):
        os.spawnlp(os.P_WAIT, "ssh-keygen", "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path)
    with open(path + ".pub") as file:
        return " ".join(file.read().split()[:2])
