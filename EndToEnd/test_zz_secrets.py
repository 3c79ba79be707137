"""Runs last: after everything that happened, no secret is anywhere but where it belongs, and nothing was forgotten."""

import base64
import re
import subprocess
from pathlib import Path

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
            check=False,
        )
        assert out == "", f"{name}: {out}"


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
