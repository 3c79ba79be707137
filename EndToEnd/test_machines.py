"""Who gets on to a machine through the bastion, as whom, with which rights, and what the others are told."""

import re
import subprocess

import pytest

from bastion_client import TokenRefused
from lab.world import CI_ROBOT
from sign_in import Refused, listing, principals


def why_not(person, machine, *command, **more):
    """The refusal that a person sees, wherever it comes from: the token endpoint, the bastion or the machine."""
    try:
        # At the log level that the bastion extension asks for, ssh keeps banners to itself.
        options = ["-o", "LogLevel=Info"]
        done = person.ssh(machine, *(command or ("echo got-in",)), options=options, **more)
    except (Refused, TokenRefused) as refusal:
        return str(refusal)
    assert done.returncode != 0 and "got-in" not in done.stdout, done.stdout
    return done.stderr


def test_an_administrator_gets_in_and_sudo_asks_for_nothing(world, person):
    done = person("alice").ssh("myVM", "id -un; sudo -n id -u; hostname")
    assert done.stdout.split() == [world.upn("alice"), "0", "myvm"], done.stderr


def test_a_user_gets_in_and_sudo_is_refused(world, person):
    done = person("bob").ssh("myVM", "id -un; sudo -n id -u || echo no-sudo")
    assert done.stdout.split() == [world.upn("bob"), "no-sudo"], done.stderr


def test_a_role_through_a_group_in_a_group_counts(world, person):
    done = person("carol").ssh("myVM", "sudo -n id -u")
    assert done.stdout.strip() == "0", done.stderr


def test_a_robot_gets_in_under_its_application_id(world, person):
    done = person("ci-robot").ssh("myVM", "id -un; sudo -n true || echo no-sudo")
    assert done.stdout.split() == [CI_ROBOT, "no-sudo"], done.stderr


def test_a_reader_is_told_which_role_is_missing(world, person):
    text = why_not(person("dave"), "myVM")
    assert "Azure role not assigned" in text
    assert "Virtual Machine User Login" in text and world.upn("dave") in text


def test_the_owner_of_the_machine_may_not_sign_in_to_it(world, person):
    text = why_not(person("admin"), "myVM")
    assert "Azure role not assigned" in text


def test_a_guest_is_refused_although_she_has_the_role(world, person):
    text = why_not(person("erin"), "myVM")
    assert "guest" in text.lower()


def test_who_may_not_see_the_machine_is_refused_by_the_bastion(world, person):
    from bastion_client import BastionClient

    world.machine("myVM")
    client = BastionClient("sallyport.test", world.server.authority, person("olga").tokens["access_token"])
    answer = client.ask(world.path("myVM"), strict=True)
    assert answer.status_code in (401, 403, 404)
    assert "Reader" in answer.json()["message"] or "not found" in answer.json()["message"].lower()


# What the account is like


def test_the_account_s_ids_are_central_and_out_of_everybody_s_way(world, person):
    numbers = person("alice").ssh("myVM", "id -u; id -g").stdout.split()
    assert all(1879048192 <= int(number) < 2147483648 for number in numbers)
    other = person("bob").ssh("myVM", "id -u").stdout.strip()
    assert other != numbers[0]


def test_the_first_session_has_only_the_groups_it_should(world, person):
    groups = person("bob").ssh("myVM", "id -Gn").stdout.split()
    assert not {"root", "sudo", "wheel", "docker", "adm", "shadow"} & set(groups)
    assert "root" not in person("alice").ssh("myVM", "id -Gn").stdout.split()


def test_the_home_is_the_person_s_and_private(world, person):
    out = person("bob").ssh("myVM", "pwd; stat -c '%a %U' .; touch here && ls here").stdout.split()
    assert out[0].startswith("/home/") and out[1:] == ["700", world.upn("bob"), "here"]


def test_the_user_name_works_in_any_case_and_as_object_id(world, person):
    alice = person("alice")
    for login in ("Alice@Contoso.example", alice.object_id):
        done = alice.ssh("myVM", "id -un", login=login)
        assert done.stdout.strip() == world.upn("alice"), (login, done.stderr)


@pytest.mark.parametrize("login", ["bob@contoso.example", "root", "sshd", "nobody", "azureuser"])
def test_nobody_logs_in_as_somebody_else(world, person, login):
    done = person("alice").ssh("myVM", "echo got-in", login=login)
    assert done.returncode == 255 and "got-in" not in done.stdout


def test_nobody_admits_others_by_a_file_in_the_own_home(world, person):
    """Inside a Match block sshd reads `AuthorizedPrincipalsFile none` as the name of a file in the person's home."""
    alice, bob = person("alice"), person("bob")
    alice.ssh("myVM", f"echo {bob.object_id} > none")
    try:
        done = bob.ssh("myVM", "echo got-in", login=world.upn("alice"), options=["-o", "LogLevel=Info"])
        # By sshd, which finds no principal, and not only at the door behind it.
        assert done.returncode == 255 and "Permission denied (publickey)" in done.stderr, done.stderr
    finally:
        alice.ssh("myVM", "rm none")


def test_a_key_without_a_certificate_gets_nothing_even_where_sshd_takes_it(world, person):
    """A Match block of the machine's own, read before ours, may admit keys; a session is bound to a certificate."""
    machine, alice = world.machine("myVM"), person("alice")
    key = alice.certificate().private.with_suffix(".pub").read_text()
    bare = ["-o", "PubkeyAcceptedAlgorithms=rsa-sha2-512", "-o", "LogLevel=Info"]
    machine.write("/etc/ssh/loose_keys", key)
    machine.write(
        "/etc/ssh/sshd_config.d/00-loose.conf", "Match User *@*\n    AuthorizedKeysFile /etc/ssh/loose_keys\n"
    )
    machine.run("kill -HUP $(cat /run/sshd.service)")
    try:
        machine.wait_for("ss -Hltn 'sport = :22' | grep -q .", 5)
        done = alice.ssh("myVM", "echo got-in", options=bare)
        assert done.returncode == 254 and "got-in" not in done.stdout, done.stderr
        assert "certificate" in done.stdout + done.stderr
        forwarded = alice.ssh("myVM", options=[*bare, "-W", "127.0.0.1:22"])
        assert forwarded.returncode != 0 and "SSH-" not in forwarded.stdout, forwarded.stderr
        # sshd itself would keep a connection whose session was refused.
        assert alice.ssh("myVM", options=[*bare, "-N"]).returncode == 255
        assert alice.ssh("myVM", "echo got-in").stdout == "got-in\n"
    finally:
        machine.run("rm /etc/ssh/sshd_config.d/00-loose.conf; kill -HUP $(cat /run/sshd.service)")
        machine.wait_for("ss -Hltn 'sport = :22' | grep -q .", 5)


@pytest.mark.parametrize("name", ["myVM", "vm11"])
def test_a_certificate_that_somebody_writes_into_their_environment_counts_for_nothing(world, person, tmp_path, name):
    """sshd tells of the certificate in a variable, and Debian's pam_env lets people set variables (`user_readenv`)."""
    machine, alice = world.machine(name), person("alice")
    for key in ("authority", "key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / key], check=True)
    everybody = ",".join(principals(alice.certificate().certificate))
    line = ["ssh-keygen", "-q", "-s", tmp_path / "authority", "-I", "forged", "-n", everybody, tmp_path / "key.pub"]
    subprocess.run(line, check=True)
    forged = " ".join((tmp_path / "key-cert.pub").read_text().split()[:2])
    assert alice.ssh(name, "true").returncode == 0
    place = f"/home/{world.upn('alice')}/.pam_environment"
    machine.write(place, f'SSH_AUTH_INFO_0 DEFAULT="publickey {forged}"\n')
    try:
        done = alice.ssh(name, "echo got-in")
        assert "got-in" not in done.stdout and "certificate" in done.stdout + done.stderr, done.stderr
    finally:
        machine.run(f"rm {place}")


def test_names_of_the_directory_resolve_and_others_stay_unknown(world, person):
    machine = world.machine("myVM")
    person("alice").ssh("myVM", "true")
    assert world.upn("alice") in machine.run("getent", "passwd", world.upn("alice"))
    for stranger in ("nobody@contoso.example", "alice", "Alice Adams", "a:b@contoso.example"):
        assert machine.run("getent", "passwd", stranger, check=False) == ""
    assert machine.run("id", "-u", "root").strip() == "0"


def test_a_hung_agent_slows_nobody_local_down(world):
    import time

    machine = world.machine("myVM")
    machine.run("kill -STOP $(cat /run/sally-agent.service)")
    try:
        began = time.monotonic()
        machine.run("for name in root sshd nosuchuser daemon; do getent passwd $name || true; done; sudo -n true")
        assert time.monotonic() - began < 2
    finally:
        machine.run("kill -CONT $(cat /run/sally-agent.service)")


def test_a_hung_agent_costs_known_people_a_moment_for_each_name(world, person):
    import time

    machine = world.machine("myVM")
    person("alice").ssh("myVM", "true")
    machine.run("kill -STOP $(cat /run/sally-agent.service)")
    try:
        began = time.monotonic()
        assert world.upn("alice") in machine.run("getent", "passwd", world.upn("alice"))
        assert time.monotonic() - began < 1
    finally:
        machine.run("kill -CONT $(cat /run/sally-agent.service)")


# The certificate


def test_the_certificate_names_the_person_and_does_not_last(world, person):
    key = person("alice").certificate()
    assert principals(key.certificate) == [world.upn("alice"), person("alice").object_id]
    text = listing(key.certificate)
    assert "user certificate" in text and "forever" not in text
    assert "permit-pty" in text and "permit-agent-forwarding" in text
    assert "permit-X11-forwarding" not in text and "permit-user-rc" not in text


def test_the_answer_says_how_long_the_certificate_lasts(world, person, tmp_path):
    from datetime import datetime

    from sign_in import KeyPair
    from ssh_extension import user_certificate

    key = KeyPair(tmp_path)
    answer = user_certificate(person("alice").endpoint, person("alice").tokens["refresh_token"], key)
    assert answer["token_type"] == "ssh-cert" and isinstance(answer["expires_in"], int)
    end = re.search(r"Valid: from \S+ to (\S+)", listing(key.certificate)).group(1)
    left = (datetime.fromisoformat(end) - datetime.now()).total_seconds()
    assert abs(left - answer["expires_in"]) < 120 and left <= 8 * 3600


def test_a_key_without_its_certificate_opens_nothing(world, person):
    alice = person("alice")
    key = alice.certificate()
    with alice.bastion().tunnel(world.path("myVM")) as tunnel:
        line = alice.ssh_line(tunnel.port, "echo got-in")
        at = next(i for i, part in enumerate(line) if part.startswith("CertificateFile="))
        del line[at - 1 : at + 1]
        moved = key.certificate.rename(key.certificate.with_name("moved"))
        try:
            done = subprocess.run(line, capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL)
        finally:
            moved.rename(key.certificate)
    assert done.returncode == 255 and "got-in" not in done.stdout


def test_a_certificate_of_one_s_own_authority_opens_nothing(world, person, tmp_path):
    alice = person("alice")
    key = alice.certificate(fresh=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "ca"], check=True)
    sign = ["ssh-keygen", "-q", "-s", tmp_path / "ca", "-I", "x", "-n", world.upn("alice"), "-V", "-5m:+1h"]
    subprocess.run([*sign, key.private.with_suffix(".pub")], check=True)
    assert alice.ssh("myVM", "echo got-in").returncode == 255
    alice.certificate(fresh=True)


def test_a_certificate_signed_with_a_certificate_s_key_opens_nothing(world, person):
    """The key of a real user certificate is no authority, whatever it signs."""
    alice = person("alice")
    signer = alice.certificate(fresh=True)
    key = alice.certificate(fresh=True)
    sign = ["ssh-keygen", "-q", "-s", signer.private, "-I", "x", "-n", "root," + world.upn("alice"), "-V", "-5m:+1h"]
    subprocess.run([*sign, key.private.with_suffix(".pub")], check=True)
    assert alice.ssh("myVM", "echo got-in").returncode == 255
    assert alice.ssh("myVM", "echo got-in", login="root").returncode == 255
    alice.certificate(fresh=True)


def test_the_machine_decides_again_even_with_a_good_certificate(world, person):
    """A certificate alone is not enough: dave's tunnel and certificate may be fine, the machine still says no."""
    dave = person("dave")
    try:
        key = dave.certificate()
    except Refused:
        pytest.skip("the authority refuses already")
    assert key.certificate.exists()
    text = why_not(dave, "myVM")
    assert "Azure role not assigned" in text


# Other Debian releases


@pytest.mark.releases
@pytest.mark.parametrize("machine", ["vm11", "vm13"])
def test_other_releases_work_the_same(world, person, machine):
    done = person("alice").ssh(machine, "id -un; sudo -n id -u; . /etc/os-release; echo $VERSION_ID")
    assert done.stdout.split() == [world.upn("alice"), "0", machine[2:]], done.stderr
    done = person("bob").ssh(machine, "sudo -n id -u || echo no-sudo")
    assert done.stdout.strip() == "no-sudo"
    assert "Azure role not assigned" in why_not(person("dave"), machine)


@pytest.mark.releases
@pytest.mark.parametrize("machine", ["vm11", "vm13"])
def test_other_releases_keep_local_accounts_and_their_configuration(world, machine):
    place = world.machine(machine)
    assert place.run("sshd", "-t") == ""
    assert place.run("id", "-u", "root").strip() == "0"
