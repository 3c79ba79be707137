"""Runs last: after everything that happened, no secret is anywhere but where it belongs, and nothing was forgotten."""

import base64
import os
import re
import subprocess
from pathlib import Path

from lab import programs

JWT = re.compile(r"eyJ[A-Za-z0-9_-]{20,}\.eyJ[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{20,}")


def canaries(world):
    found = {name: value for name, value in world.secrets.items() if "CERTIFICATE" not in name}
    key = world.robot_pem.read_text().split("-----")[2].split()[3]
    return {**found, "the robot's private key": key}


def test_no_secret_is_in_any_log(world, person):
    person("alice").ssh("myVM", "true")
    for where, text in world.logs().items():
        for name, value in canaries(world).items():
            assert value not in text, f"{name} is in {where}"
            assert base64.b64encode(value.encode()).decode().rstrip("=") not in text, f"{name} is in {where}, in base64"
        assert not JWT.search(text), f"a token is in {where}"
        assert "PRIVATE KEY" not in text, f"a private key is in {where}"


def test_no_session_token_is_in_any_log(world, person):
    bastion = person("alice").bastion()
    session = bastion.open(world.path("myVM"))
    bastion.socket(session).close()
    bastion.close(session)
    person("alice").endpoint.post({"grant_type": "refresh_token", "refresh_token": "canary-refresh-token-0123456789"})
    for where, text in world.logs().items():
        for value in (session["authToken"], session["websocketToken"], "canary-refresh-token-0123456789"):
            assert value not in text, where
        assert person("alice").tokens["refresh_token"] not in text, where


def test_no_secret_is_in_the_process_list(world):
    shown = subprocess.run(["ps", "axeww"], capture_output=True, text=True).stdout
    ours = [line for line in shown.splitlines() if "sallyport" in line or "sally-agent" in line]
    for line in ours:
        if "pytest" in line or ".venv" in line or "chromium" in line:
            continue
        for name, value in canaries(world).items():
            assert value not in line, f"{name}: {line[:120]}"


def test_no_secret_lies_in_clear_on_the_server_s_disk(world):
    needles = {name: value.encode() for name, value in canaries(world).items()}
    for place in (world.folder / "data").rglob("*"):
        if place.is_file():
            data = place.read_bytes()
            for name, value in needles.items():
                assert value not in data, f"{name} is in {place}"
            if place.name.startswith("sallyport.") and place.suffix in (".sqlite", ".db"):
                assert b"PRIVATE KEY" not in data, place


def test_what_opens_doors_is_not_in_clear_on_the_server_s_disk(world, person):
    """Tokens that were handed out: a copy of the disk must not be a set of keys."""
    bastion = person("alice").bastion()
    session = bastion.open(world.path("myVM"))
    handed_out = [person("alice").tokens["refresh_token"], person("alice").tokens["access_token"].split(".")[2]]
    handed_out += [session["authToken"], session["websocketToken"], world.server.join_token(world.path("bareVM"))]
    bastion.close(session)
    for place in files(world.folder / "data"):
        data = place.read_bytes()
        for value in handed_out:
            assert value.encode() not in data, place
            # Or as the bytes that the text stands for.
            raw = (
                base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)) if re.fullmatch(r"[\w-]{20,}", value) else b""
            )
            assert not raw or raw not in data, place


def files(folder, since=0.0):
    """Plain files below a folder that changed since a time; what vanishes meanwhile is left out."""
    for place in sorted(Path(top, name) for top, _, names in os.walk(folder) for name in names):
        try:
            if place.is_symlink() or not place.is_file() or place.stat().st_mtime < since:
                continue
        except OSError:
            continue
        yield place


def test_no_password_is_in_a_temporary_file(world):
    """Passwords go through standard input, pages and requests; none of it is put down anywhere on the way."""
    needles = {name: value.encode() for name, value in canaries(world).items() if name.endswith("_PASSWORD")}
    began = world.folder.stat().st_ctime - 3600
    for top in ("/tmp", "/var/tmp", "/dev/shm", "/run/user"):
        for place in files(top, began) if Path(top).is_dir() else []:
            if place.is_relative_to(world.folder):
                continue
            try:
                if place.stat().st_size > 4 << 20:
                    continue
                data = place.read_bytes()
            except OSError:
                continue
            for name, value in needles.items():
                assert value not in data, f"{name} is in {place}"


def test_no_secret_is_in_the_environment_of_a_program(world, person):
    """Of the server, and of everything on the machine while somebody is in."""
    alice = person("alice")
    with alice.bastion().tunnel(world.path("myVM")) as tunnel:
        session = alice.start_ssh(tunnel, "echo in; sleep 30")
        try:
            assert session.stdout.readline() == "in\n"
            shown = {f"{world.server.pid}": Path(f"/proc/{world.server.pid}/environ").read_bytes()}
            inside = world.machine("myVM").run("cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null", check=False)
            shown["the machine"] = inside.encode(errors="replace")
        finally:
            session.kill()
    for where, data in shown.items():
        text = data.decode(errors="replace")
        assert not JWT.search(text), where
        assert "PRIVATE KEY" not in text, where
        for name, value in canaries(world).items():
            assert value not in text, f"{name} is in the environment of {where}"


def test_no_secret_lies_in_clear_on_a_machine(world):
    machine = world.machine("myVM")
    for name, value in canaries(world).items():
        out = machine.run(
            "grep",
            "-rlF",
            "--",
            value,
            "/etc/sallyport",
            "/var/lib/sallyport",
            "/var/log",
            "/run/sallyport",
            "/tmp",
            "/var/tmp",
            "/dev/shm",
            "/home",
            check=False,
        )
        assert out == "", f"{name}: {out}"


def test_sally_shows_no_token_in_the_process_list(world, person, tmp_path):
    """Neither in the arguments of the programs that it starts nor in their environment."""
    from test_sally import Sally

    alice = Sally(world, tmp_path)
    assert alice.login("alice").returncode == 0
    line = [programs.program("sally"), "ssh", "vm", "-n", "myVM", "-g", "demo", "--", "echo in; sleep 30"]
    process = subprocess.Popen(line, env=alice.environment, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "in\n"
        shown = subprocess.run(["ps", "axeww"], capture_output=True, text=True).stdout
        ours = [each for each in shown.splitlines() if str(tmp_path) in each]
        assert any("ssh" in each for each in ours), "its ssh was not found"
        for each in ours:
            assert not JWT.search(each) and "PRIVATE KEY" not in each
            assert world.password("alice") not in each
    finally:
        process.kill()
    for place in files(tmp_path):
        assert world.password("alice").encode() not in place.read_bytes(), place


def test_the_used_join_token_is_gone_from_the_machine(world):
    assert not (world.machine("myVM").root / "etc/sallyport/join-token").exists()


def test_the_audit_says_who_what_where_and_why_not(world):
    audit = world.server.audit()
    assert world.upn("alice") in audit
    assert "Azure role not assigned" in audit and world.upn("dave") in audit
    assert "AADSTS50126" in audit


def test_names_with_control_characters_stay_on_one_line(world, endpoint):
    evil = "x\r\nAUDIT forged\x1b[2Jentry@contoso.example"
    form = endpoint.user_form("password", endpoint.arm_scope, username=evil, password="x")
    endpoint.post(form)
    for where, text in world.logs().items():
        assert "\x1b" not in text, where
        assert not re.search(r"^AUDIT forged", text, re.MULTILINE), where


def test_the_server_did_not_crash_and_wrote_no_surprises(world):
    text = world.logs()["server.log"]
    for word in ("Fatal error", "Thread 0 crashed", "SIGSEGV", "Precondition failed", "leaking promise"):
        assert word not in text
    assert Path(f"/proc/{world.server.pid}").exists()
