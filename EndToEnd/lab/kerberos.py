"""A Kerberos realm of a lab's own: MIT's key distribution centre, its files in one folder, no system settings."""

import contextlib
import os
import secrets
import shutil
import socket
import time

from . import shell


class Realm:
    """A realm with one key distribution centre; it begins with `start` and leaves nothing after `stop`."""

    def __init__(self, lab, name="DESKTOPS.TEST", address="127.0.0.1", port=None, machine=None):
        """`machine` is one of the lab whose network the key distribution centre is in; without it, the tests' own."""
        self.lab = lab
        self.name = name
        self.address = address
        self.machine = machine
        self.port = port or _free_port(address)
        # Among the lab's own files, so that its cleanup finds it after a crash.
        self.folder = shell.STATE / lab / f"realm-{machine.name if machine else ''}{self.port}"
        self.folder.mkdir(parents=True, mode=0o700)
        self.keytab = self.folder / "hosts.keytab"
        self.log = self.folder / "kdc.log"

    @property
    def controller(self):
        """Where the key distribution centre answers, as a client is told."""
        return f"{self.address}:{self.port}"

    @property
    def environment(self):
        """What makes MIT's own programs speak to this realm and to no other."""
        return {
            "KRB5_CONFIG": str(self.folder / "krb5.conf"),
            "KRB5_KDC_PROFILE": str(self.folder / "kdc.conf"),
            "KRB5CCNAME": f"FILE:{self.folder / 'tickets'}",
            "KRB5RCACHENAME": f"dfl:{self.folder}",
        }

    def start(self):
        """Makes the realm's database and starts the key distribution centre."""
        (self.folder / "krb5.conf").write_text(
            f"[libdefaults]\n default_realm = {self.name}\n dns_lookup_kdc = false\n rdns = false\n"
            f" dns_canonicalize_hostname = false\n[realms]\n {self.name} = {{\n  kdc = {self.controller}\n }}\n"
            f"[logging]\n kdc = FILE:{self.log}\n"
        )
        (self.folder / "kdc.conf").write_text(
            f"[realms]\n {self.name} = {{\n  database_name = {self.folder}/principal\n"
            f"  key_stash_file = {self.folder}/stash\n  acl_file = {self.folder}/acl\n"
            f"  kdc_listen = {self.controller}\n  kdc_tcp_listen = {self.controller}\n"
            "  supported_enctypes = aes256-cts-hmac-sha1-96:normal aes128-cts-hmac-sha1-96:normal\n"
            "  default_principal_flags = +preauth\n }\n"
        )
        master = secrets.token_urlsafe(18)
        self.run("kdb5_util", "create", "-s", "-r", self.name, text=f"{master}\n{master}\n")
        self.resume()
        return self

    def resume(self):
        """Starts the key distribution centre, also after `pause`."""
        command = [*self._place(), "env", *self._settings(), "krb5kdc", "-n", "-r", self.name]
        process = shell.start(command, self.folder / "kdc.out", dies_with_parent=True)
        shell.remember(self.lab, f"0-{self.folder.name}", process.pid)
        deadline = time.monotonic() + 10
        while not shell.run(*self._place(), "ss", "-Hltn", f"sport = :{self.port}"):
            if time.monotonic() > deadline:
                raise shell.CommandFailed((self.folder / "kdc.out").read_text())
            time.sleep(0.02)

    def pause(self):
        """Ends the key distribution centre; what it knows stays."""
        shell.end(self.lab, f"0-{self.folder.name}")

    def add_person(self, name, password):
        """A person with a password; the command reads it from its input."""
        self._administer(f'addprinc -pw "{password}" {name}')

    def expire_password(self, name):
        """From now on the person has to choose another password first."""
        self._administer(f"modprinc -pwexpire 2001-01-01 {name}")

    def add_host(self, name):
        """A host for Remote Desktop; its key is in `keytab`."""
        principal = f"TERMSRV/{name}"
        self._administer(f"addprinc -randkey {principal}\nktadd -k {self.keytab} {principal}")

    def run(self, *arguments, check=True, text=None):
        """Runs one of MIT's programs in this realm."""
        return shell.run(*self._place(), "env", *self._settings(), *arguments, check=check, text=text)

    def stop(self):
        """Ends the key distribution centre and removes every file."""
        self.pause()
        shutil.rmtree(self.folder, ignore_errors=True)
        for folder in (shell.STATE / self.lab, shell.STATE):
            with contextlib.suppress(OSError):
                folder.rmdir()

    def _administer(self, commands):
        said = self.run("kadmin.local", "-r", self.name, text=commands + "\n")
        if "while" in said:
            raise shell.CommandFailed(said)

    def _settings(self):
        return [f"{key}={value}" for key, value in self.environment.items()]

    def _place(self):
        """What takes a command of the lab's into the realm's network."""
        return ["nsenter", f"--net=/proc/{self.machine.pid if self.machine else os.getpid()}/ns/net", "--"]


def _free_port(address):
    with socket.socket() as probe:
        probe.bind((address, 0))
        return probe.getsockname()[1]
