"""Desktops by Kerberos: a name and a password of a domain become a ticket on the server, and any client gets in.

The domain controller is MIT's, in the bastion host's own network, as that network's first DNS server. The host takes
nothing but Kerberos, has no agent, and hands people on to xrdp."""

import contextlib
import subprocess
from pathlib import Path

import nla_host
import pytest
import requests
from test_desktops import opened
from test_sally_desktop import Desktop

from lab import desktops, kerberos
from lab.freerdp import Screen
from lab.machine import Machine
from sign_in import eventually

# Passwords that are found again wherever they are left.
PASSWORD = "Kerberos-canary-7f3e"
WRONG = "Kerberos-wrong-canary-51c0"
CONTROLLER, IMPOSTOR = "10.77.0.61", "10.77.0.62"
VNET = "Microsoft.Network/virtualNetworks/demo-vnet"
FAR = desktops.XRDP_COLOUR
#: The port of the host's xrdp itself, which asks for no network level authentication.
PLAIN_PORT = 3391


@pytest.fixture(scope="module")
def screen():
    with Screen() as made:
        yield made


@pytest.fixture(scope="module")
def realm(world):
    with place(world, "dc", CONTROLLER) as machine:
        made = kerberos.Realm(world.network.lab, address=CONTROLLER, port=88, machine=machine)
        try:
            made.start()
            for name in ("alice", "erin"):
                made.add_person(name, PASSWORD)
            made.expire_password("erin")
            made.add_host("barevm.desktops.test")
            with pytest.MonkeyPatch.context() as patch:
                # The acceptor's library keeps a file against replayed tickets; it goes with the realm.
                patch.setenv("KRB5RCACHENAME", f"dfl:{made.folder}")
                yield made
        finally:
            made.stop()


@contextlib.contextmanager
def place(world, name, address):
    """A machine of the lab that is nobody's resource, or has no agent."""
    machine = Machine(world.network.lab, name, world.network, address, dies_with_parent=True).start()
    try:
        yield machine
    finally:
        machine.stop()


@pytest.fixture(scope="module")
def bare(world):
    """`bareVM`: xrdp behind network level authentication, and a local account for the desktop."""
    with place(world, "barevm", "10.77.0.31") as machine:
        desktops.start_xrdp(machine, port=PLAIN_PORT)
        desktops.add_local_user(machine, "alice", PASSWORD)
        world.gone["bareVM"] = machine
        yield machine


@pytest.fixture
def host(realm, bare):
    made = nla_host.NLAHost("barevm", realm.keytab, "0.0.0.0", 3389, machine=bare, desktop=("127.0.0.1", PLAIN_PORT))
    yield made
    made.stop()


class Switches:
    """What decides about Kerberos: the bastion host's switch and the network's DNS servers."""

    def __init__(self, world, arm):
        self.arm = arm
        self.bastion, self.network = world.bastion(), f"{world.group()}/providers/{VNET}"

    def change(self, path, name, value):
        found = self.arm.get(path, "2024-01-01")
        properties = {key: each for key, each in found["properties"].items() if key != "provisioningState"}
        body = {**found, "properties": {**properties, name: value}}
        answer = self.arm.send("PUT", path, "2024-01-01", body)
        assert answer.status_code in (200, 201, 202), answer.text
        eventually(lambda: self.arm.get(path, "2024-01-01")["properties"].get(name) == value, 10, "it was taken")

    def kerberos(self, value):
        self.change(self.bastion, "enableKerberos", value)

    def servers(self, *addresses):
        self.change(self.network, "dhcpOptions", {"dnsServers": list(addresses)})


@pytest.fixture(scope="module")
def switches(world, person):
    made = Switches(world, person("admin").arm)
    made.kerberos(True)
    made.servers(CONTROLLER, "10.77.0.250")
    yield made
    made.kerberos(False)
    made.servers()


def ask(world, person, name="alice@desktops.test", password=PASSWORD, machine="bareVM", port=3389, token=None, **more):
    """What the bastion host answers to `sally network bastion rdp --auth-type kerberos`."""
    bastion = person.bastion()
    query = {"resourceId": world.path(machine), "format": "rdp", "rdpport": port, "authtype": "kerberos"} | more
    return requests.post(
        f"https://{bastion.dns_name}/api/rdpfile",
        params=query,
        data={"username": name, "password": password},
        headers={"Authorization": f"Bearer {token or bastion.token}"},
        verify=bastion.authority,
        timeout=20,
    )


@pytest.fixture
def connection_file(world, person, switches, tmp_path):
    count = iter(range(100))

    def fetch(who="dave", **more):
        answer = ask(world, person(who), **more)
        assert answer.status_code == 200, answer.text
        path = tmp_path / f"{next(count)}.rdp"
        path.write_bytes(answer.content)
        return path

    return fetch


def refused(world, screen, file, *arguments):
    """What a client shows that is not let in."""
    with opened(world, screen, file, *arguments) as client:
        assert client.wait_for_end(40) != 0
        assert screen.picture().share(FAR) < 0.1
        return client.output


@pytest.mark.parametrize("name", ["alice@desktops.test", "DESKTOPS.TEST\\alice"])
@pytest.mark.parametrize("transport", ["/gt:http", "/gt:http,no-websockets"])
def test_a_desktop_opens_by_ticket_with_a_client_that_knows_no_kerberos(
    world, screen, connection_file, realm, host, transport, name
):
    before = realm.log.read_text().count("TERMSRV/barevm.desktops.test@DESKTOPS.TEST")
    # Dave has no login role on the machine: the domain decides who signs in there.
    with opened(world, screen, connection_file("dave", name=name), transport) as client:
        client.wait_for_colour(FAR)
    assert host.signed_in == [("alice@DESKTOPS.TEST", "DESKTOPS.TEST", "alice", PASSWORD)]
    log = realm.log.read_text()
    assert log.count("TERMSRV/barevm.desktops.test@DESKTOPS.TEST") > before
    # The bastion's own way into the network, and nobody else's.
    assert "10.77.0.1:" in log and "10.78.0." not in log


def test_the_file_names_the_account_and_holds_no_password(connection_file):
    text = connection_file().read_text()
    assert "username:s:alice@DESKTOPS.TEST" in text and "prompt for credentials:i:0" in text
    assert "targetisaadjoined" not in text and PASSWORD not in text


def test_a_file_opens_one_desktop_once(world, screen, connection_file, host):
    file = connection_file()
    with opened(world, screen, file) as client:
        client.wait_for_colour(FAR)
    with opened(world, screen, file) as client:
        assert client.wait_for_end(20) != 0
        assert "E_PROXY_COOKIE_AUTHENTICATION_ACCESS_DENIED" in client.errors
    assert len(host.signed_in) == 1


@pytest.mark.parametrize(
    ("name", "password", "sentence"),
    [
        ("alice@desktops.test", WRONG, "name or the password is wrong"),
        ("mallory@desktops.test", PASSWORD, "name or the password is wrong"),
        ("erin@desktops.test", PASSWORD, "password has expired"),
        # MIT's controller does not say that the domain is not its own.
        ("alice@elsewhere.test", PASSWORD, "name or the password is wrong"),
    ],
)
def test_what_the_domain_refuses_reaches_person_and_audit(
    world, screen, connection_file, host, name, password, sentence
):
    said = refused(world, screen, connection_file(name=name, password=password))
    assert sentence in said, said
    assert sentence in world.server.audit()
    assert host.signed_in == []


def test_a_host_that_the_domain_does_not_know_is_refused(world, screen, connection_file, realm, host):
    realm.run("kadmin.local", "-r", realm.name, text="renprinc -force TERMSRV/barevm.desktops.test TERMSRV/other\n")
    try:
        assert "does not know this host" in refused(world, screen, connection_file())
    finally:
        realm.run("kadmin.local", "-r", realm.name, text="renprinc -force TERMSRV/other TERMSRV/barevm.desktops.test\n")
    assert host.signed_in == []


def test_a_host_in_the_middle_gets_no_password(world, screen, connection_file, realm, bare):
    middle = nla_host.NLAHost("barevm", realm.keytab, "0.0.0.0", 3389, machine=bare, false_key=True)
    try:
        assert "could not prove who it is" in refused(world, screen, connection_file())
        assert middle.signed_in == []
    finally:
        middle.stop()


def test_a_host_without_network_level_authentication_gets_no_password(world, screen, connection_file, bare, realm):
    before = bare.log("xrdp-sesman")
    said = refused(world, screen, connection_file(port=PLAIN_PORT))
    assert "Network Level Authentication" in said
    assert "alice" not in bare.log("xrdp-sesman").removeprefix(before)


def test_a_controller_that_is_down_is_said_to_be(world, screen, connection_file, realm, host):
    realm.pause()
    try:
        assert "domain controller cannot be reached on TCP port 88" in refused(world, screen, connection_file())
    finally:
        realm.resume()
    assert host.signed_in == []


def test_somebody_else_s_controller_gets_neither_password_nor_way_in(world, screen, connection_file, switches, host):
    with place(world, "impostor", IMPOSTOR) as machine:
        other = kerberos.Realm(world.network.lab, address=IMPOSTOR, port=88, machine=machine)
        try:
            other.start()
            other.add_person("alice", "another-Password-1")
            # No proof by a password is asked for before the answer, which makes everything as easy as it can be.
            other.run("kadmin.local", "-r", other.name, text="modprinc -requires_preauth alice\n")
            other.add_host("barevm.desktops.test")
            switches.servers(IMPOSTOR)
            assert "name or the password is wrong" in refused(world, screen, connection_file())
            assert "10.77.0.1" in other.log.read_text()
        finally:
            switches.servers(CONTROLLER)
            other.stop()
    assert host.signed_in == []


def test_what_is_missing_is_said_before_there_is_a_file(world, person, switches):
    dave = person("dave")

    def message(status, **more):
        answer = ask(world, dave, **more)
        assert answer.status_code == status, answer.text
        assert PASSWORD not in answer.text
        return answer.json()["message"]

    assert "has no domain" in message(400, name="alice")
    assert "full name of its domain" in message(400, name="CORP\\alice")
    assert "password of 1 to" in message(400, password="")
    assert "too long" in message(413, password="x" * 5000)
    assert "GET" in message(400, authtype="password")
    address = world.group() + "/providers/Microsoft.Network/bh-hostConnect/10.77.0.31"
    assert "not its address" in message(409, resourceId=address)
    assert "Reader" in message(404, token=person("olga").tokens["access_token"])
    try:
        switches.servers()
        assert "--dns-servers" in message(403)
        for elsewhere in ("169.254.169.254", "127.0.0.1", "10.79.0.11", "dc.example"):
            switches.servers(elsewhere)
            assert "cannot be the domain's controller" in message(403)
        switches.servers("10.77.0.1")
        assert "10.77.0.1" in message(403)
        switches.kerberos(False)
        assert "--kerberos true" in message(403)
    finally:
        switches.kerberos(True)
        switches.servers(CONTROLLER)


@pytest.fixture
def desktop(world, switches, tmp_path):
    made = Desktop(world, tmp_path)
    assert made.login("dave").returncode == 0
    return made


def test_sally_asks_for_the_account_and_any_client_opens_the_desktop(world, desktop, screen, host, tmp_path):
    line = ["--auth-type", "kerberos", "--username", "alice@DESKTOPS.TEST", "--password-stdin"]
    done = desktop.rdp(*line, machine="bareVM", text=PASSWORD + "\n")
    assert done.returncode == 0, done.stderr
    words = desktop.seen("words").split("\n")[:-1]
    assert len(words) == 1 and words[0].endswith("/bareVM.rdp")
    for each in ("words", "environment", "file"):
        assert PASSWORD not in desktop.seen(each)
    saved = tmp_path / "saved.rdp"
    done = desktop.rdp(
        "--auth-type", "kerberos", "--file", saved, machine="bareVM", text=f"alice@desktops.test\n{PASSWORD}\n"
    )
    assert done.returncode == 0, done.stderr
    with opened(world, screen, saved) as client:
        client.wait_for_colour(FAR)


def test_sally_does_not_ask_where_kerberos_is_off(desktop, switches):
    switches.kerberos(False)
    try:
        done = desktop.rdp("--auth-type", "kerberos", machine="bareVM", text="alice@desktops.test\nnever-read\n")
    finally:
        switches.kerberos(True)
    assert done.returncode == 1 and "(KerberosDisabled)" in done.stderr, done.stderr
    assert desktop.rdp("--username", "alice").returncode == 64


def test_passwords_are_left_nowhere(world, screen, connection_file, host):
    """Not while a desktop is open, and not afterwards, of good and of wrong ones."""
    refused(world, screen, connection_file(password=WRONG))
    connection_file()
    with opened(world, screen, connection_file()) as client:
        client.wait_for_colour(FAR)
        shown = subprocess.run(["ps", "axeww"], capture_output=True, text=True).stdout
        shown += Path(f"/proc/{world.server.pid}/environ").read_text()
    for secret in (PASSWORD, WRONG):
        assert secret not in shown
        for where, text in world.logs().items():
            assert secret not in text, where
        for file in (world.folder / "data").rglob("*"):
            assert not file.is_file() or secret.encode() not in file.read_bytes(), file
        assert not [each for each in Path("/tmp").glob("krb5*") if secret.encode() in each.read_bytes()]
