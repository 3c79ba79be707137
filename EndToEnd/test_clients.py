"""People's own tools through the tunnel: nothing about them is changed, and all of them work."""

import asyncio
import concurrent.futures
import hashlib
import os
import subprocess

import pytest


def in_a_loop(work):
    """Runs a coroutine in a thread of its own: the browser driver keeps a loop in this one."""
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(asyncio.wait_for(work(), 40))).result()


@pytest.fixture
def tunnel(world, person):
    world.machine("myVM")
    with person("alice").bastion().tunnel(world.path("myVM")) as opened:
        yield opened


def test_scp_both_ways(world, person, tunnel, tmp_path):
    alice = person("alice")
    data = os.urandom(3_000_000)
    (tmp_path / "up").write_bytes(data)
    line = alice.ssh_line(tunnel.port, program="scp")
    options, user = line[: line.index("-p")], line[line.index("-l") + 1]
    options += ["-P", str(tunnel.port), "-o", f"User={user}"]
    for source, target in ((tmp_path / "up", "127.0.0.1:moved"),
                           ("127.0.0.1:moved", tmp_path / "down")):  # fmt: skip
        subprocess.run([*options, "-q", str(source), str(target)], check=True, timeout=60)
    assert (tmp_path / "down").read_bytes() == data


def test_sftp(world, person, tunnel, tmp_path):
    alice = person("alice")
    (tmp_path / "hello").write_text("hello")
    (tmp_path / "batch").write_text(f"put {tmp_path}/hello there\nls -l there\nget there {tmp_path}/again\nrm there\n")
    line = alice.ssh_line(tunnel.port, program="sftp")
    options, user = line[1 : line.index("-p")], line[line.index("-l") + 1]
    subprocess.run(
        ["sftp", "-b", tmp_path / "batch", *options, "-P", str(tunnel.port), f"{user}@127.0.0.1"],
        check=True,
        timeout=60,
    )
    assert (tmp_path / "again").read_text() == "hello"


def test_a_terminal(world, person, tunnel):
    import pexpect

    line = person("alice").ssh_line(tunnel.port, options=["-tt"])
    child = pexpect.spawn(line[0], line[1:], timeout=20, dimensions=(41, 111), encoding="utf-8")
    child.sendline("stty size; tty; echo done-$((40+2))")
    child.expect("41 111")
    child.expect("/dev/pts/")
    child.expect("done-42")
    child.sendline("exit 7")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 7


def test_a_local_forward(world, person, tunnel):
    import socket

    machine = world.machine("myVM")
    machine.run("mkdir -p /tmp/www && echo forwarded > /tmp/www/index.html")
    machine.serve("www", "python3", "-m", "http.server", "--directory", "/tmp/www", "--bind", "127.0.0.1", "8088")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    forward = ["-N", "-L", f"127.0.0.1:{port}:127.0.0.1:8088", "-o", "ExitOnForwardFailure=yes"]
    process = person("alice").start_ssh(tunnel, options=forward)
    try:
        done = subprocess.run(
            [
                "curl",
                "--silent",
                "--noproxy",
                "*",
                "--retry",
                "20",
                "--retry-connrefused",
                "--retry-delay",
                "1",
                f"http://127.0.0.1:{port}/",
            ],
            capture_output=True,
            text=True,
            timeout=40,
        )
        assert done.stdout.strip() == "forwarded"
    finally:
        process.kill()
        machine.end_service("www")


def test_several_sessions_over_one_connection(world, person, tunnel, tmp_path):
    alice = person("alice")
    master = ["-o", "ControlMaster=auto", "-o", f"ControlPath={tmp_path}/c", "-o", "ControlPersist=20"]
    outputs = [
        subprocess.run(
            alice.ssh_line(tunnel.port, f"echo {i}", options=master), capture_output=True, text=True, timeout=30
        )
        for i in range(3)
    ]
    subprocess.run(["ssh", "-o", f"ControlPath={tmp_path}/c", "-O", "exit", "127.0.0.1"], capture_output=True)
    assert [done.stdout.strip() for done in outputs] == ["0", "1", "2"]


def test_plink(world, person, tunnel, tmp_path):
    alice = person("alice")
    key = alice.certificate()
    (tmp_path / "empty").write_text("")
    subprocess.run(
        ["puttygen", key.private, "-o", tmp_path / "key.ppk", "--new-passphrase", tmp_path / "empty"],
        check=True,
        timeout=30,
    )
    home = tmp_path / "home"
    home.mkdir()
    fingerprint = subprocess.run(
        world.machine("myVM").inside(["ssh-keygen", "-lf", "/etc/ssh/ssh_host_ed25519_key.pub"]),
        capture_output=True,
        text=True,
    ).stdout.split()[1]
    line = [
        "plink",
        "-batch",
        "-ssh",
        "-P",
        str(tunnel.port),
        "-l",
        world.upn("alice"),
        "-i",
        str(tmp_path / "key.ppk"),
    ]
    line += ["-cert", str(key.certificate), "-hostkey", fingerprint, "127.0.0.1", "id -un"]
    done = subprocess.run(line, capture_output=True, text=True, timeout=40, env={**os.environ, "HOME": str(home)})
    assert done.stdout.strip() == world.upn("alice"), done.stderr


def test_asyncssh_and_its_banner(world, person, tunnel):
    import asyncssh

    alice = person("alice")
    key = alice.certificate()

    async def go():
        async with asyncssh.connect(
            "127.0.0.1",
            tunnel.port,
            username=world.upn("alice"),
            known_hosts=None,
            agent_path=None,
            config=None,
            client_keys=[(str(key.private), str(key.certificate))],
        ) as connection:
            done = await connection.run("id -un", check=True)
            return done.stdout.strip()

    assert in_a_loop(go) == world.upn("alice")


def test_a_refusal_reaches_asyncssh_s_banner(world, person):
    import asyncssh

    from bastion_client import TokenRefused
    from sign_in import Refused

    dave = person("dave")
    banners = []

    class Client(asyncssh.SSHClient):
        def auth_banner_received(self, msg, lang):
            banners.append(msg)

    try:
        key = dave.certificate()
        with dave.bastion().tunnel(world.path("myVM")) as opened:

            async def go():
                await asyncssh.connect(
                    "127.0.0.1",
                    opened.port,
                    username=world.upn("dave"),
                    known_hosts=None,
                    agent_path=None,
                    config=None,
                    client_factory=Client,
                    client_keys=[(str(key.private), str(key.certificate))],
                )

            with pytest.raises((asyncssh.Error, OSError)):
                in_a_loop(go)
        assert "Azure role not assigned" in "".join(banners)
    except (Refused, TokenRefused) as refusal:
        assert "role" in str(refusal).lower()


def test_paramiko_with_sftp(world, person, tunnel):
    import paramiko

    key = person("alice").certificate()
    private = paramiko.RSAKey.from_private_key_file(str(key.private))
    private.load_certificate(str(key.certificate))
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
    client.connect(
        "127.0.0.1",
        tunnel.port,
        username=world.upn("alice"),
        pkey=private,
        look_for_keys=False,
        allow_agent=False,
        timeout=30,
    )
    try:
        _, out, _ = client.exec_command("id -un", timeout=20)
        assert out.read().decode().strip() == world.upn("alice")
        files = client.open_sftp()
        with files.open("note", "w") as note:
            note.write("x" * 100_000)
        assert files.stat("note").st_size == 100_000
        files.remove("note")
    finally:
        client.close()


def test_forty_megabytes_each_way_arrive_unchanged(world, person, tunnel):
    alice = person("alice")
    data = os.urandom(1 << 20) * 40
    done = subprocess.run(
        alice.ssh_line(tunnel.port, "tee /tmp/big-copy | sha256sum >&2; cat /tmp/big-copy; rm /tmp/big-copy"),
        input=data,
        capture_output=True,
        timeout=180,
    )
    assert done.stderr.decode().split()[0] == hashlib.sha256(data).hexdigest()
    assert hashlib.sha256(done.stdout).hexdigest() == hashlib.sha256(data).hexdigest()


def test_eight_sessions_at_once(world, person):
    alice = person("alice")
    alice.certificate()
    with alice.bastion().tunnel(world.path("myVM")) as opened:
        running = [alice.start_ssh(opened, f"sleep 1; echo {i}") for i in range(8)]
        assert [process.communicate(timeout=60)[0].strip() for process in running] == [str(i) for i in range(8)]
