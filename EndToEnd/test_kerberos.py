"""A sign-in by Kerberos against MIT's own key distribution centre and GSS-API, as the front does to a domain's host."""

import os
import subprocess
from pathlib import Path

import nla_host
import pytest

from lab import kerberos, shell

LAB = os.environ.get("SALLYPORT_LAB", "kerberos")
PASSWORD = "Päss word-1"
TESTS = Path(__file__).resolve().parents[1] / ".build" / "debug"


@pytest.fixture(scope="module")
def realm():
    made = kerberos.Realm(LAB)
    try:
        made.start()
        for name in ("alice", "erin"):
            made.add_person(name, PASSWORD)
        made.expire_password("erin")
        made.add_host("desk.desktops.test")
        # The acceptor's library keeps a file against replayed tickets; it goes with the realm.
        os.environ["KRB5RCACHENAME"] = f"dfl:{made.folder}"
        yield made
    finally:
        os.environ.pop("KRB5RCACHENAME", None)
        made.stop()
        assert not made.folder.exists()


@pytest.fixture
def desk(realm):
    host = nla_host.NLAHost("desk.desktops.test", realm.keytab, plain=True)
    yield host
    host.stop()


def sign_in(realm, host, user="alice", password=PASSWORD, name="desk.desktops.test"):
    """Runs the mechanism of the front, in its unit test, against this host; (whether it worked, what was said)."""
    programs = [*TESTS.glob("*PackageTests.xctest")]
    if not programs:
        pytest.skip("the unit tests are not built")
    settings = {
        "PORT": str(host.port),
        "CERTIFICATE": host.certificate.read_bytes().hex(),
        "REALM": realm.name,
        "CONTROLLER": realm.controller,
        "NAME": name,
        "USER": user,
        "PASSWORD": password,
    }
    done = subprocess.run(
        [programs[0], "--testing-library", "swift-testing", "--filter", "KerberosHostTests"],
        # Settings of the system that would lead nowhere: the mechanism must not need them.
        env={"KRB5_CONFIG": "/nonexistent", **{f"SALLYPORT_NLA_{key}": text for key, text in settings.items()}},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
    )
    return done.returncode == 0 and "1 test" in done.stdout, done.stdout


def test_the_realm_issues_tickets_to_who_knows_the_password(realm):
    assert "Password for alice@DESKTOPS.TEST" in realm.run("kinit", "alice", text=PASSWORD + "\n")
    assert "TERMSRV/desk.desktops.test@DESKTOPS.TEST: kvno" in realm.run("kvno", "TERMSRV/desk.desktops.test")
    with pytest.raises(shell.CommandFailed):
        realm.run("kinit", "alice", text="wrong\n")


def test_a_person_is_let_in_by_ticket_and_only_then_hands_over_credentials(realm, desk):
    worked, said = sign_in(realm, desk)
    assert worked, said
    assert desk.signed_in == [("alice@DESKTOPS.TEST", "DESKTOPS.TEST", "alice", PASSWORD)]
    issued = realm.log.read_text()
    assert "TGS_REQ" in issued and "TERMSRV/desk.desktops.test@DESKTOPS.TEST" in issued


def test_no_ticket_is_left_on_the_disk(realm, desk):
    before = {path for path in Path("/tmp").glob("krb5*")}
    worked, said = sign_in(realm, desk)
    assert worked, said
    assert {path for path in Path("/tmp").glob("krb5*")} == before


@pytest.mark.parametrize(
    "user, password, name, sentence",
    [
        ("alice", "wrong", "desk.desktops.test", "the name or the password is wrong"),
        ("mallory", PASSWORD, "desk.desktops.test", "the name or the password is wrong"),
        ("erin", PASSWORD, "desk.desktops.test", "password has expired"),
        ("alice", PASSWORD, "other.desktops.test", "does not know this host"),
    ],
)
def test_a_refusal_of_the_realm_says_why_and_the_host_learns_nothing(realm, desk, user, password, name, sentence):
    worked, said = sign_in(realm, desk, user, password, name)
    assert not worked
    assert sentence in said
    assert desk.signed_in == []


def test_a_host_that_cannot_prove_its_key_gets_no_password(realm):
    middle = nla_host.NLAHost("desk.desktops.test", realm.keytab, plain=True, false_key=True)
    try:
        worked, said = sign_in(realm, middle)
        assert not worked
        assert "cannot prove that the key of this connection is its own" in said
        assert middle.signed_in == []
    finally:
        middle.stop()
