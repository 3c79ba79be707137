"""A machine: its own file system, processes, host name and network, with a real sshd, started in under a second."""

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import time
from pathlib import Path

from . import rootfs, shell

_INIT = Path(__file__).with_name("init.sh")


class Machine:
    """One machine of a lab. `release` is None for the host's own Debian or the name of another release."""

    def __init__(self, lab, name, network, address, release=None, dies_with_parent=False):
        self.lab = lab
        self.name = name
        self.network = network
        self.address = address
        self.release = release
        self.pid = None
        self._dies_with_parent = dies_with_parent
        self._folder = shell.STATE / lab / name

    # Life

    def start(self):
        """Makes the namespaces, attaches the network and waits for process 1 to be ready."""
        lower = rootfs.release(self.release) if self.release else "/"
        self._folder.mkdir(parents=True)
        (self._folder / "root").mkdir()
        arguments = ["unshare", "--mount", "--uts", "--ipc", "--net", "--pid", "--fork", "--kill-child", "--"]
        arguments += ["bash", _INIT, self._folder, lower, self.name]
        launcher = shell.start(arguments, self._folder / "init.log", self._dies_with_parent)
        self._launcher = launcher
        shell.remember(self.lab, self.name, launcher.pid)
        deadline = time.monotonic() + 20
        while not self._is_ready(launcher.pid):
            if launcher.poll() is not None or time.monotonic() > deadline:
                raise shell.CommandFailed(f"machine {self.name}: {(self._folder / 'init.log').read_text()}")
            time.sleep(0.02)
        self.network.attach(self.pid, self.address, self.name)
        return self

    def _is_ready(self, launcher):
        children = Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split()
        if not children:
            return False
        self.pid = int(children[0])
        return (self.root / "run" / "machine-ready").exists()

    def stop(self):
        """Ends process 1, and with it every process, mount and interface of the machine."""
        if self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
        shell.end(self.lab, self.name)
        shutil.rmtree(self._folder, ignore_errors=True)
        self.pid = None

    # Inside

    @property
    def root(self):
        """The machine's file system, seen from outside. Do not follow its absolute symbolic links."""
        return Path(f"/proc/{self.pid}/root")

    def inside(self, arguments):
        """The command line that runs `arguments` in the machine as root."""
        return [
            "nsenter", "-t", str(self.pid), "-m", "-u", "-i", "-n", "-p", "-r", "-w", "--",
            "env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root",
            "LANG=C.UTF-8", *map(str, arguments),
        ]  # fmt: skip

    def run(self, *arguments, check=True, text=None, timeout=60):
        """Runs a command in the machine as root; returns what it printed. One string is given to the shell."""
        if len(arguments) == 1 and " " in arguments[0]:
            arguments = ("bash", "-c", arguments[0])
        done = subprocess.run(
            self.inside(arguments),
            input=text,
            stdin=subprocess.DEVNULL if text is None else None,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
        )
        if check and done.returncode != 0:
            line = shlex.join(map(str, arguments))
            raise shell.CommandFailed(f"{self.name}: {line}: exit {done.returncode}\n{done.stdout}")
        return done.stdout

    def serve(self, name, *arguments):
        """Starts a service in the machine; its output goes to /var/log/NAME.log there. Process 1 becomes its parent,
        so that it ends with the machine and with nothing else."""
        line = f"setsid {shlex.join(map(str, arguments))} >>/var/log/{name}.log 2>&1 </dev/null &"
        self.run("bash", "-c", f"{line} echo $! >/run/{name}.service")

    def end_service(self, name, number=signal.SIGTERM):
        """Sends a signal to a service started by `serve`."""
        self.run(f"kill -{int(number)} $(cat /run/{name}.service)", check=False)

    def log(self, name):
        """What a service has written so far."""
        path = self.root / "var" / "log" / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def write(self, path, text, mode=0o644):
        """Writes a file in the machine, by way of a new file of the wanted mode."""
        place = self.root / str(path).lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        data = text if isinstance(text, bytes) else text.encode()
        new = place.with_name(place.name + ".new")
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
            file.write(data)
        os.chmod(new, mode)
        new.rename(place)

    def copy_in(self, source, path, mode=0o755):
        """Copies a file of the host into the machine."""
        self.write(path, Path(source).read_bytes(), mode)

    def read(self, path):
        """The text of a file in the machine."""
        return (self.root / str(path).lstrip("/")).read_text(errors="replace")

    def name_host(self, name, address):
        """Adds a line to the machine's /etc/hosts."""
        self.write("/etc/hosts", self.read("/etc/hosts") + f"{address} {name}\n")

    def start_sshd(self):
        """Starts the machine's own sshd and waits until it listens."""
        self.serve("sshd", "/usr/sbin/sshd", "-D", "-e")
        self.wait_for("ss -Hltn 'sport = :22' | grep -q .", 10)

    def wait_for(self, condition, seconds):
        """Waits until a shell condition holds in the machine; says what it was when it does not."""
        deadline = time.monotonic() + seconds
        while True:
            done = subprocess.run(self.inside(["bash", "-c", condition]), capture_output=True, text=True)
            if done.returncode == 0:
                return
            if time.monotonic() > deadline:
                raise shell.CommandFailed(
                    f"{self.name}: still not so after {seconds} s: {condition}\n{done.stdout}{done.stderr}"
                )
            time.sleep(0.05)
