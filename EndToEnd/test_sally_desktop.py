"""`sally network bastion rdp` up to where it starts a desktop client, which here is a script that tells what it got."""

import os
import signal
import stat
import subprocess
import time

import pytest
from test_sally import Sally

from lab import programs

CLIENT = """#!/bin/bash
[ "$1" = /version ] && { echo "This is FreeRDP version $FREERDP (n/a)"; exit; }
[ -n "$LASTING" ] && { echo $$ > started.new; mv started.new started; exec sleep 60; }
printf '%s\\n' "$@" > words
env > environment
stat -c %a "$1" "$(dirname "$1")" > modes
cat "$1" > file
exit "${STATUS:-0}"
"""


class Desktop(Sally):
    """`sally` with a desktop client of the tests' own."""

    def __init__(self, world, home):
        super().__init__(world, home)
        programs_folder = home / "bin"
        programs_folder.mkdir()
        client = programs_folder / "xfreerdp"
        client.write_text(CLIENT)
        client.chmod(0o755)
        self.environment |= {
            "PATH": f"{programs_folder}:{os.environ['PATH']}",
            "DISPLAY": ":0",
            "FREERDP": "2.11.7",
        }

    def line(self, *arguments, machine="myVM", bastion="demo-bastion", group="demo"):
        way = ["--name", bastion, "--resource-group", group]
        if "--target-ip-address" not in arguments:
            way += ["--target-resource-id", self.world.path(machine)]
        return ["network", "bastion", "rdp", *way, *arguments]

    def rdp(self, *arguments, text="", **more):
        return self.run(*self.line(*arguments, **more), text=text)

    def seen(self, name):
        return (self.home / name).read_text()

    def left(self):
        """Files of desktops that are still there."""
        return [path for path in (self.home / "sally" / "desktops").rglob("*") if path.is_file()]


@pytest.fixture
def desktop(world, tmp_path):
    made = Desktop(world, tmp_path)
    done = made.login("alice")
    assert done.returncode == 0, done.stderr
    return made


def test_the_client_gets_a_private_file_and_nothing_else(world, desktop):
    done = desktop.rdp()
    assert done.returncode == 0, done.stderr
    words = desktop.seen("words").split("\n")[:-1]
    assert len(words) == 1 and words[0].endswith("/myVM.rdp")
    assert desktop.seen("modes").split() == ["600", "700"]
    assert f"SSL_CERT_FILE={world.server.authority}" in desktop.seen("environment")
    lines = desktop.seen("file").splitlines()
    token = next(line.split(":s:")[1] for line in lines if line.startswith("gatewayaccesstoken"))
    assert token and token not in desktop.seen("words") + desktop.seen("environment") + done.stdout + done.stderr
    assert "prompt for credentials:i:0" in lines and "enablecredsspsupport:i:0" in lines
    assert not desktop.left()


def test_free_rdp_3_is_sent_to_our_own_sign_in_for_a_web_account(desktop):
    desktop.environment["FREERDP"] = "3.9.0"
    assert desktop.rdp("--enable-mfa").returncode == 0
    assert "/sec:aad" in desktop.seen("words") and "/azure:ad:sallyport.test,tenantid:" in desktop.seen("words")
    assert "enablerdsaadauth:i:1" in desktop.seen("file")
    assert desktop.rdp().returncode == 0
    assert desktop.seen("words").split("\n")[1:-1] == ["/p:"]


def test_the_machine_s_own_sign_in_is_left_to_the_client(desktop):
    assert desktop.rdp("--auth-type", "password", "--configure", text="lola\n").returncode == 0
    assert desktop.seen("words").split("\n")[1:-1] == ["/u:lola"]
    assert "prompt for credentials:i:1" in desktop.seen("file")


@pytest.mark.parametrize("way", [["--disable-gateway"], ["--target-ip-address", "10.77.0.11"]])
def test_without_the_gateway_the_file_leads_to_a_local_port(desktop, way):
    done = desktop.rdp(*way)
    assert done.returncode == 0, done.stderr
    lines = desktop.seen("file").splitlines()
    assert len(lines) == 3 and lines[0].startswith("full address:s:localhost:")


def test_a_written_file_is_for_its_owner_only(desktop):
    done = desktop.rdp("--file", "saved.rdp")
    assert done.returncode == 0, done.stderr
    assert stat.S_IMODE((desktop.home / "saved.rdp").stat().st_mode) == 0o600
    assert "full address:s:" in desktop.rdp("--file", "-").stdout
    assert not (desktop.home / "words").exists()


@pytest.mark.parametrize(
    "arguments, code",
    [
        (["--enable-mfa", "--disable-gateway"], "WebAccountNotPossible"),
        (["--auth-type", "aad", "--target-ip-address", "10.77.0.11"], "WebAccountNotPossible"),
        (["--auth-type", "password", "--enable-mfa"], "AuthType"),
        (["--auth-type", "kerberos"], "KerberosDisabled"),
        (["--auth-type", "kerberos", "--disable-gateway"], "KerberosNotPossible"),
        (["--target-ip-address", "10.77.0.11", "--resource-port", "3390"], "CustomPortNotSupported"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(desktop, arguments, code):
    done = desktop.rdp(*arguments)
    assert done.returncode == 1 and f"({code})" in done.stderr, done.stderr
    assert not (desktop.home / "words").exists()


def test_wrong_words_end_with_64(desktop):
    assert desktop.rdp("--auth-type", "ssh-key").returncode == 64
    assert desktop.rdp("--resource-port", "0").returncode == 64


def test_a_basic_bastion_host_is_refused_before_anything_opens(desktop):
    done = desktop.rdp(bastion="basic-bastion", group="other")
    assert done.returncode == 1 and "Basic" in done.stderr, done.stderr


def test_no_client_and_no_screen_are_said(desktop):
    desktop.environment["DISPLAY"] = ""
    assert "(NoScreen)" in desktop.rdp().stderr
    desktop.environment["PATH"] = "/nonexistent"
    assert "apt install freerdp" in desktop.rdp().stderr


def test_another_name_needs_another_sign_in(desktop):
    done = desktop.rdp("--configure", text="bob@contoso.example\n")
    assert done.returncode == 1 and "sally login --switch" in done.stderr
    assert desktop.rdp("--configure", text="\n").returncode == 0


def test_the_end_of_the_client_is_explained(desktop):
    desktop.environment["STATUS"] = "132"
    done = desktop.rdp("--auth-type", "password")
    assert done.returncode == 1 and "(LoginFailed)" in done.stderr
    desktop.environment["STATUS"] = "2"
    assert desktop.rdp().returncode == 0
    assert not desktop.left()


def test_who_has_no_role_reads_why(world, tmp_path):
    dave = Desktop(world, tmp_path)
    assert dave.login("dave").returncode == 0
    dave.environment["STATUS"] = "131"
    done = dave.rdp()
    assert done.returncode == 1 and "(SignInNotAllowed)" in done.stderr, done.stderr
    assert "Virtual Machine User Login" in done.stderr, done.stderr


def test_who_was_switched_off_meanwhile_reads_that(world, person, tmp_path):
    bob = Desktop(world, tmp_path)
    assert bob.login("bob").returncode == 0
    world.switch_account("bob", False)
    try:
        done = bob.rdp()
        assert done.returncode == 1 and "AADSTS50057" in done.stderr, done.stderr
    finally:
        world.switch_account("bob", True)
        # Everything that he had signed in to is over, for the tests to come, too.
        person("bob").sign_in()


# Files for later


def opens_again(desktop, path):
    """Whether a saved file opens a new connection to the same machine."""
    done = desktop.run("rdp", "open", path)
    assert done.returncode == 0, done.stderr
    lines = desktop.seen("file").splitlines()
    return lines, next(line for line in lines if line.startswith("gatewayaccesstoken"))


def test_a_saved_file_opens_the_desktop_again_with_its_looks_and_a_new_token(desktop):
    assert desktop.rdp("--file", "saved.rdp").returncode == 0
    text = (desktop.home / "saved.rdp").read_bytes().decode()
    changed = text + "desktopwidth:i:700\r\ndrivestoredirect:s:*\r\n"
    # As Windows saves it.
    (desktop.home / "saved.rdp").write_bytes(b"\xff\xfe" + changed.encode("utf-16-le"))
    lines, token = opens_again(desktop, "saved.rdp")
    assert "full address:s:myvm" in lines and "desktopwidth:i:700" in lines and "drivestoredirect:s:*" not in lines
    assert token not in text
    assert opens_again(desktop, "saved.rdp")[1] != token


def test_a_saved_file_asks_who_you_are_when_nobody_is_signed_in(desktop):
    assert desktop.rdp("--file", "saved.rdp").returncode == 0
    assert desktop.run("logout").returncode == 0
    process = subprocess.Popen(
        [programs.program("sally"), "rdp", "open", "saved.rdp"],
        env=desktop.environment,
        cwd=desktop.home,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        said = [process.stderr.readline() for _ in range(4)]
        assert said[0].startswith("Opens /subscriptions/") and "Sign in to open the desktop." in said[1], said
        assert said[3].startswith(desktop.world.url) and "/authorize?" in said[3], said
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("text", ["", "full address:s:evil.example\r\ngatewayhostname:s:evil.example\r\n"])
def test_a_file_from_elsewhere_leads_nowhere(desktop, text):
    (desktop.home / "evil.rdp").write_text(text)
    done = desktop.run("rdp", "open", "evil.rdp")
    assert done.returncode == 1 and "(NotADesktopFile)" in done.stderr, done.stderr
    assert "(NoFile)" in desktop.run("rdp", "open", "nothing.rdp").stderr
    assert not (desktop.home / "words").exists()


def test_the_file_manager_opens_saved_files_with_sally(desktop):
    done = desktop.run("rdp", "register")
    assert done.returncode == 0, done.stderr
    entry = (desktop.home / ".local/share/applications/sally-rdp.desktop").read_text()
    assert f'Exec="{programs.program("sally").resolve()}" rdp open %f' in entry
    assert "*.rdp" in (desktop.home / ".local/share/mime/packages/sally-rdp.xml").read_text()


def test_a_stopped_sally_takes_file_and_client_along(desktop):
    desktop.environment["LASTING"] = "1"
    process = subprocess.Popen(
        [programs.program("sally"), *desktop.line()],
        env=desktop.environment,
        cwd=desktop.home,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 20
        while not (desktop.home / "started").exists():
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.05)
        assert desktop.left()
        client = int(desktop.seen("started"))
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) != 0
        assert not desktop.left()
        while lives(client):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        process.kill()


def lives(process):
    """Whether a process runs; one that has ended and that nobody has asked about does not."""
    try:
        with open(f"/proc/{process}/stat") as status:
            return status.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_switching_forgets_who_was_signed_in(desktop):
    switched = desktop.run(
        "login", "--switch", "--username", "alice@contoso.example", "--password-stdin", text="wrong\n"
    )
    assert switched.returncode != 0
    assert "sally login" in desktop.rdp().stderr
    assert (
        desktop.run(
            "login",
            "--username",
            desktop.world.upn("bob"),
            "--password-stdin",
            text=f"{desktop.world.password('bob')}\n",
        ).returncode
        == 0
    )
    assert "bob@" in desktop.run("account", "show").stdout
