"""Desktops in a lab's machines: xrdp, and a server that insists on network level authentication as Windows does."""

import shlex
from pathlib import Path

from . import shell

#: What fills the screen of a desktop on xrdp, and on the stand-in for Windows, as red, green, blue.
XRDP_COLOUR = (32, 64, 128)
SHADOW_COLOUR = (128, 64, 32)
#: What the local users of the lab's desktops sign in with.
LOCAL_PASSWORD = "local-Password-1"
#: Where the stand-in for Windows keeps its users.
SAM = "/etc/sallyport-lab/sam"

_XRDP_INI = """[Globals]
ini_version=1
fork=true
port={port}
tcp_nodelay=true
tcp_keepalive=true
security_layer={security}
crypt_level=high
certificate=/etc/xrdp/lab-cert.pem
key_file=/etc/xrdp/lab-key.pem
ssl_protocols=TLSv1.2, TLSv1.3
autorun=Xvnc
allow_channels=true
allow_multimon=true
bitmap_cache=true
bitmap_compression=true
bulk_compression=true
max_bpp=32
new_cursors=true
use_fastpath=both

[Logging]
LogFile=/var/log/xrdp.log
LogLevel=INFO
EnableSyslog=false

[Channels]
rdpdr=true
rdpsnd=true
drdynvc=true
cliprdr=true
rail=true

[Xvnc]
name=Xvnc
lib=libvnc.so
username=ask
password=ask
ip=127.0.0.1
port=-1
"""

_SESMAN_INI = """[Globals]
ListenAddress=127.0.0.1
ListenPort=3350
EnableUserWindowManager=false
UserWindowManager=startwm.sh
DefaultWindowManager=/etc/xrdp/lab-desktop
ReconnectScript=/bin/true

[Security]
AllowRootLogin=false
MaxLoginRetry=4
AlwaysGroupCheck=false

[Sessions]
X11DisplayOffset=10
MaxSessions=200
KillDisconnected=false
Policy=Default

[Logging]
LogFile=/var/log/xrdp-sesman.log
LogLevel=INFO
EnableSyslog=false

[Xvnc]
param=Xvnc
param=-bs
param=-nolisten
param=tcp
param=-localhost
param=-dpi
param=96

[Chansrv]
FuseMountName=thinclient_drives

[SessionVariables]
"""

# No window manager: keys go to the window under the pointer, and this one covers everything.
_DESKTOP = """#!/bin/sh
exec xterm -bg '{colour}' -fg white -geometry 400x200+0+0 -title desktop -e /bin/bash -l
"""

_CREDENTIAL = """#!/bin/bash
# Sets or takes back the one password of a user: `set` reads the user and the password, `lock` the user, a
# line each; `lock-all` reads nothing.
set -eu
umask 077
kept=
line=
if [ "$1" != lock-all ]; then
    read -r user
    kept=$(grep -v "^$user:" {sam} || true)
fi
if [ "$1" = set ]; then
    read -r password
    hash=$(printf %s "$password" | iconv -t UTF-16LE | openssl dgst -provider legacy -provider default -md4 -r)
    line="$user:::${{hash%% *}}:::"
fi
printf '%s\\n' $kept $line >{sam}.new
mv {sam}.new {sam}
"""


def hexadecimal(colour):
    """A colour as X programs are told it."""
    return "#" + bytes(colour).hex()


def make_certificate(machine, certificate, key, names):
    """A certificate of the machine's own, signed by nobody else."""
    line = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={names[0]}"]
    line += ["-addext", "subjectAltName=" + ",".join(f"DNS:{name}" for name in names)]
    machine.run(*line, "-keyout", key, "-out", certificate)


def start_xrdp(machine, port=3389, security="tls", colour=XRDP_COLOUR):
    """Starts xrdp with Xvnc in a machine; PAM is the distribution's own. Logs: `xrdp`, `xrdp-sesman`."""
    machine.write("/etc/xrdp/xrdp.ini", _XRDP_INI.format(port=port, security=security))
    machine.write("/etc/xrdp/sesman.ini", _SESMAN_INI)
    machine.write("/etc/xrdp/lab-desktop", _DESKTOP.format(colour=hexadecimal(colour)), 0o755)
    make_certificate(machine, "/etc/xrdp/lab-cert.pem", "/etc/xrdp/lab-key.pem", [machine.name])
    machine.run("mkdir -p /run/xrdp/sockdir /tmp/.X11-unix && chmod 1777 /run/xrdp/sockdir /tmp/.X11-unix")
    machine.serve("xrdp-sesman-run", "/usr/sbin/xrdp-sesman", "-n", "-c", "/etc/xrdp/sesman.ini")
    machine.wait_for("ss -Hltn 'sport = :3350' | grep -q .", 10)
    machine.serve("xrdp-run", "/usr/sbin/xrdp", "-n", "-c", "/etc/xrdp/xrdp.ini")
    machine.wait_for(f"ss -Hltn 'sport = :{port}' | grep -q .", 10)


def start_shadow(machine, port=3389, size="1024x768", colour=SHADOW_COLOUR):
    """Starts the stand-in for a Windows host: one screen for everybody, network level authentication only.

    Its users are the lines of SAM; `/usr/local/sbin/desktop-credential` sets and takes back passwords."""
    home = "/var/lib/lab-shadow"
    folder = f"{home}/.config/freerdp/shadow"
    machine.run(f"mkdir -p {folder} /tmp/.X11-unix && chmod 1777 /tmp/.X11-unix")
    machine.write(SAM, "", 0o600)
    machine.write("/usr/local/sbin/desktop-credential", _CREDENTIAL.format(sam=SAM), 0o755)
    make_certificate(machine, f"{folder}/shadow.crt", f"{folder}/shadow.key", [machine.name])
    machine.serve("shadow-screen", "Xvfb", ":0", "-screen", "0", f"{size}x24", "-nolisten", "tcp")
    machine.wait_for("test -S /tmp/.X11-unix/X0", 10)
    screen = ["env", "DISPLAY=:0", f"HOME={home}"]
    fill = ["-bg", hexadecimal(colour), "-fg", "white", "-geometry", "400x200+0+0"]
    machine.serve("shadow-desktop", *screen, "xterm", *fill, "-e", "/bin/bash", "-l")
    server = ["freerdp-shadow-cli", f"/port:{port}", "+auth", "/sec:nla", f"/sam-file:{SAM}"]
    machine.serve("shadow", *screen, *server)
    machine.wait_for(f"ss -Hltn 'sport = :{port}' | grep -q .", 10)


def shadow_certificate():
    """Where the stand-in's certificate lies in its machine."""
    return "/var/lib/lab-shadow/.config/freerdp/shadow/shadow.crt"


def shadow_settings():
    """What the agent of a machine with the stand-in has to be told: how passwords are set, and what to report."""
    return {
        "desktopCredentialCommand": ["/usr/local/sbin/desktop-credential"],
        "desktopPort": 3389,
        "desktopCertificate": shadow_certificate(),
        "desktopProduct": "freerdp-shadow",
    }


def add_local_user(machine, name, password):
    """A user of the machine's own, with a local password."""
    machine.run("useradd", "-m", "-s", "/bin/bash", name)
    machine.run("chpasswd", text=f"{name}:{password}\n")


def set_shadow_password(machine, name, password):
    """What an agent does on the stand-in: a password that is good until `lock`."""
    machine.run("/usr/local/sbin/desktop-credential", "set", text=f"{name}\n{password}\n")


def fingerprint(machine, certificate):
    """SHA-256 of a machine's certificate, in lower-case hexadecimal."""
    line = f"openssl x509 -in {shlex.quote(str(certificate))} -outform DER | sha256sum"
    return machine.run(line).split()[0]


def processes_of(machine, user):
    """The names of everything that runs as a user, by number or name."""
    return machine.run("ps", "-o", "comm=", "-u", str(user), check=False).split()


def can_serve():
    """Whether this computer, whose programs the machines use, has what a desktop needs."""
    return all(Path(path).exists() for path in ("/usr/sbin/xrdp", "/usr/bin/Xvnc", "/usr/bin/xterm"))


def main():
    """A machine with xrdp and one with the stand-in for Windows, to play with: `python -m lab.desktops LAB`."""
    import sys

    from .machine import Machine
    from .network import VirtualNetwork

    lab = sys.argv[1]
    network = VirtualNetwork(lab, "vnet", "10.79.0.1/24")
    machine = Machine(lab, "xrdp", network, "10.79.0.31").start()
    start_xrdp(machine)
    add_local_user(machine, "lola", LOCAL_PASSWORD)
    other = Machine(lab, "win", network, "10.79.0.32").start()
    start_shadow(other)
    set_shadow_password(other, "wanda", LOCAL_PASSWORD)
    print(shell.STATE / lab, machine.pid, other.pid)


if __name__ == "__main__":
    main()
