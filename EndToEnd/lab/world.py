"""The whole of it for the tests: clients, a server with a bastion, and machines that only the server can reach."""

import fcntl
import os
import shutil
import sys
import tempfile
from pathlib import Path

from . import cleanup, desktops, programs, shell
from .machine import Machine
from .network import Namespace, VirtualNetwork

#: Its networks bear this name; runs under different names do not wait for each other.
LAB = os.environ.get("SALLYPORT_LAB", "test")
HOST_NAME = "sallyport.test"
TENANT = "5a11b0a7-7e57-4c0a-8d0e-3f6d0c0a0001"
SUBSCRIPTION = "5a11b0a7-7e57-4c0a-8d0e-3f6d0c0a0002"
CI_ROBOT = "5a11b0a7-7e57-4c0a-8d0e-3f6d0c0a0003"
CERT_ROBOT = "5a11b0a7-7e57-4c0a-8d0e-3f6d0c0a0004"
PEOPLE = ["ADMIN", "ALICE", "BOB", "CAROL", "DAVE", "ERIN", "FRANK", "GINA", "HUGO", "NORA", "OLGA", "TINA", "VERA"]


class World:
    """Started once for a run. `folder` holds data and logs, and is kept when something went wrong."""

    def __init__(self):
        self.url = f"https://{HOST_NAME}"
        self.folder = Path(tempfile.mkdtemp(prefix="sallyport-test-"))
        self.secrets = programs.make_secrets(PEOPLE)
        self.machines = {}
        #: Machines that tests took apart again; what they wrote down is still looked at.
        self.gone = {}
        self._make_robot_certificate()

    def _make_robot_certificate(self):
        self.robot_pem = self.folder / "cert-robot.pem"
        key, certificate = self.folder / "robot.key", self.folder / "robot.crt"
        request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=cert-robot"]
        shell.run(*request, "-keyout", key, "-out", certificate)
        self.robot_pem.touch(mode=0o600)
        self.robot_pem.write_text(key.read_text() + certificate.read_text())
        key.unlink()
        self.secrets["SALLYPORT_CERT_ROBOT_CERTIFICATE"] = certificate.read_text()

    def start(self):
        """Networks, server, and the machine `myVM`; other machines start when a test asks for them."""
        self._take_turn()
        cleanup.clean(LAB)
        self.server_place = Namespace(LAB, "server")
        self.client_place = Namespace(LAB, "client")
        self.client_place.link_to(self.server_place, "10.78.0.2/24", "10.78.0.1/24")
        self.network = VirtualNetwork(LAB, "vnet", "10.77.0.1/24", self.server_place)
        names = [HOST_NAME, "10.78.0.1", "10.77.0.1", "127.0.0.1"]
        self.server = programs.Server(
            LAB, self.folder / "data", self.url, 443, names, self.server_place, dies_with_parent=True
        )
        self.server.apply(Path(__file__).resolve().parents[1] / "world.yaml", self.secrets)
        log = self.folder / "fabric.log"
        self.fabric = programs.Fabric(
            LAB, self.folder / "data", 443, log, self.server_place, dies_with_parent=True
        ).start()
        self.server.start()
        self.machine("myVM")
        return self

    def _take_turn(self):
        """Two runs on one computer would take each other's networks away; the second waits until the first is over."""
        self._turn = open(f"/run/lock/sallyport-lab-{LAB}", "w")  # closed, and so let go, by the end of the process
        try:
            fcntl.flock(self._turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("waiting for another run of the end-to-end tests to end", file=sys.__stderr__, flush=True)
            fcntl.flock(self._turn, fcntl.LOCK_EX)

    def machine(self, name):
        """An enrolled, running machine; made at the first call."""
        addresses = {"myVM": ("10.77.0.11", None), "vm11": ("10.77.0.21", "bullseye"), "vm13": ("10.77.0.23", "trixie")}
        addresses |= {"deskVM": ("10.77.0.41", None), "winVM": ("10.77.0.42", None)}
        if name not in self.machines:
            address, release = addresses[name]
            machine = Machine(LAB, name.lower(), self.network, address, release, dies_with_parent=True).start()
            self.machines[name] = machine
            machine.name_host(HOST_NAME, "10.77.0.1")
            machine.start_sshd()
            settings = self._furnish(name, machine)
            programs.enrol(machine, self.server, self.path(name), self.url, settings=settings)
        return self.machines[name]

    def _furnish(self, name, machine):
        """What is special about a machine: `deskVM` has xrdp, `winVM` the stand-in for a Windows host. Both have a
        local user with the password LOCAL_PASSWORD, lola here and wanda there. Returns settings for the agent."""
        if name == "deskVM":
            desktops.start_xrdp(machine)
            desktops.add_local_user(machine, "lola", desktops.LOCAL_PASSWORD)
        if name == "winVM":
            desktops.start_shadow(machine)
            desktops.set_shadow_password(machine, "wanda", desktops.LOCAL_PASSWORD)
            return desktops.shadow_settings()
        return {}

    def path(self, machine, group="demo"):
        """The resource path of a virtual machine."""
        return f"{self.group(group)}/providers/Microsoft.Compute/virtualMachines/{machine}"

    def group(self, name="demo"):
        """The resource path of a resource group."""
        return f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{name}"

    def bastion(self, name="demo-bastion", group="demo"):
        """The resource path of a bastion host."""
        return f"{self.group(group)}/providers/Microsoft.Network/bastionHosts/{name}"

    def password(self, name):
        """A person's password by first name."""
        return self.secrets[f"SALLYPORT_{name.upper()}_PASSWORD"]

    def upn(self, name):
        """A person's full user name by first name."""
        return "erin_fabrikam.example#EXT#@contoso.example" if name == "erin" else f"{name}@contoso.example"

    def switch_account(self, name, enabled):
        """Switches an account off or on, as an operator does."""
        file = self.folder / "switch.yaml"
        shown = {"bob": "Bob Brown"}[name]
        entry = f"{{upn: {self.upn(name)}, displayName: {shown}, enabled: {str(enabled).lower()}}}"
        file.write_text(f"apiVersion: 1\nusers:\n  - {entry}\n")
        self.server.apply(file, {})

    def enter(self):
        """Moves this process into the clients' network."""
        self.client_place.enter({HOST_NAME: "10.78.0.1"})

    def logs(self):
        """Everything any of our programs has written down so far, by where it was written."""
        found = {"server.log": self.server.log.read_text(errors="replace"), "audit": self.server.audit()}
        found["fabric.log"] = self.fabric.log.read_text(errors="replace")
        for name, machine in (self.machines | self.gone).items():
            for log in ("sally-agent", "sshd"):
                found[f"{name}:{log}"] = machine.log(log)
            for log in ("xrdp", "xrdp-sesman", "shadow"):
                found |= {f"{name}:{log}": machine.log(log)} if machine.log(log) else {}
        return found

    def stop(self, keep_as=None):
        """Ends everything. `keep_as` names a folder that receives the logs."""
        if keep_as:
            keep = Path(keep_as)
            shutil.rmtree(keep, ignore_errors=True)
            keep.mkdir(parents=True)
            for name, text in self.logs_or_nothing().items():
                (keep / name.replace(":", "-")).write_text(text)
        for machine in (self.machines | self.gone).values():
            machine.stop()
        self.server.stop()
        cleanup.clean(LAB)
        shutil.rmtree(self.folder, ignore_errors=True)

    def logs_or_nothing(self):
        try:
            return self.logs()
        except (OSError, shell.CommandFailed):
            return {"server.log": self.server.log.read_text(errors="replace")} if self.server.log.exists() else {}
