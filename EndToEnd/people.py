"""People (and robots) of the tests, with everything they need to get to a machine."""

import subprocess

from bastion_client import BastionClient
from lab import world as names
from sign_in import KeyPair, TokenEndpoint, principals
from ssh_extension import ResourceManager, robot_certificate, user_certificate

#: What the bastion extension gives to ssh, and batch mode, so that nothing ever waits for a keyboard.
SSH_OPTIONS = [
    "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=Error",
    "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-o", "ConnectTimeout=15",
]  # fmt: skip


class Person:
    """Somebody who has signed in. `name` is a first name, `ci-robot` or `cert-robot`."""

    def __init__(self, world, name, folder):
        self.world = world
        self.name = name
        self.endpoint = TokenEndpoint(world.url, world.server.authority, names.TENANT)
        self.is_robot = name == "ci-robot"
        self.upn = names.CI_ROBOT if self.is_robot else world.upn(name)
        self._folder = folder
        self._key = None
        self.sign_in()

    def sign_in(self):
        """Gets fresh tokens."""
        if self.is_robot:
            self.tokens = self.endpoint.robot(names.CI_ROBOT, self.world.secrets["SALLYPORT_SP_SECRET"])
        else:
            self.tokens = self.endpoint.password(self.upn, self.world.password(self.name))

    @property
    def arm(self):
        """The resource API as this person."""
        return ResourceManager(self.endpoint, self.tokens["access_token"])

    def graph(self, method, path, body=None):
        """One Graph request as this person; the answer as it came."""
        if self.is_robot:
            secret = self.world.secrets["SALLYPORT_SP_SECRET"]
            token = self.endpoint.robot(names.CI_ROBOT, secret, self.endpoint.graph_scope)["access_token"]
        else:
            token = self.endpoint.refresh(self.tokens["refresh_token"], self.endpoint.graph_scope)["access_token"]
        return self.endpoint.http.request(
            method, f"{self.world.url}/v1.0{path}", json=body, headers={"Authorization": f"Bearer {token}"}, timeout=20
        )

    @property
    def object_id(self):
        """The person's own object id."""
        return self.graph("GET", "/me").json()["id"]

    def certificate(self, fresh=False):
        """A key with a certificate beside it."""
        if fresh or not self._key:
            folder = self._folder / f"{self.name}-{id(self)}-{len(list(self._folder.iterdir()))}"
            folder.mkdir(mode=0o700)
            key = KeyPair(folder)
            if self.is_robot:
                robot_certificate(self.endpoint, names.CI_ROBOT, self.world.secrets["SALLYPORT_SP_SECRET"], key)
            else:
                user_certificate(self.endpoint, self.tokens["refresh_token"], key)
            self._key = key
        return self._key

    def bastion(self, name="demo-bastion", group="demo"):
        """The way through a bastion host, found by its dnsName in the resource API."""
        dns_name = self.arm.get(self.world.bastion(name, group), "2024-01-01")["properties"]["dnsName"]
        return BastionClient(dns_name, self.world.server.authority, self.tokens["access_token"])

    def ssh_line(self, port, *command, options=(), login=None, program="ssh"):
        """The command line of the extension's ssh child."""
        key = self.certificate()
        user = login or principals(key.certificate)[0]
        line = [program, *options, *SSH_OPTIONS, "-i", key.private, "-o", f"CertificateFile={key.certificate}"]
        return list(map(str, [*line, "-p", port, "-l", user, "127.0.0.1", *command]))

    def ssh(self, machine, *command, options=(), login=None, timeout=40):
        """Runs a command on a machine through the bastion, as `az network bastion ssh --auth-type AAD` does."""
        self.world.machine(machine)
        with self.bastion().tunnel(self.world.path(machine)) as tunnel:
            done = subprocess.run(
                self.ssh_line(tunnel.port, *command, options=options, login=login),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=timeout,
            )
            if tunnel.errors:
                raise tunnel.errors[0]
            return done

    def start_ssh(self, tunnel, *command, options=(), **more):
        """A session that goes on."""
        return subprocess.Popen(
            self.ssh_line(tunnel.port, *command, options=options),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **more,
        )
