"""Desktops, the whole way: a signed-in person, the connection file, FreeRDP through the gateway, a picture."""

import contextlib

import pytest
import requests
from test_taking_away import LIMIT, assignment

from lab import desktops
from lab.freerdp import FreeRDP, Screen
from sign_in import eventually

FAR = {"deskVM": desktops.XRDP_COLOUR, "winVM": desktops.SHADOW_COLOUR}


@pytest.fixture(scope="module")
def screen():
    """A screen without a monitor."""
    with Screen() as made:
        yield made


@pytest.fixture
def connection_file(world, person, tmp_path):
    """connection_file("alice", "deskVM"): the path of a fresh `.rdp` file, and its text."""
    count = iter(range(100))

    def fetch(name, machine, **query):
        world.machine(machine)
        answer = ask(world, person(name), machine, **query)
        assert answer.status_code == 200, answer.text
        path = tmp_path / f"{next(count)}.rdp"
        path.write_bytes(answer.content)
        return path

    return fetch


def ask(world, person, machine, **query):
    """What the bastion host answers to `az network bastion rdp`."""
    bastion = person.bastion()
    asked = {"resourceId": world.path(machine), "format": "rdp", "rdpport": 3389, "enablerdsaad": "True", **query}
    headers = {"Authorization": f"Bearer {bastion.token}", "Accept": "*/*", "Content-Type": "application/json"}
    return requests.get(
        f"https://{bastion.dns_name}/api/rdpfile",
        params={key: value for key, value in asked.items() if value is not None},
        headers=headers,
        verify=bastion.authority,
        timeout=20,
    )


@contextlib.contextmanager
def opened(world, screen, file, *arguments):
    """FreeRDP on a connection file, trusting the server's authority and nobody else."""
    with FreeRDP(screen, *arguments, file=file, authority=world.server.authority) as client:
        yield client


@pytest.mark.parametrize("transport", ["/gt:http", "/gt:http,no-websockets"])
@pytest.mark.parametrize(("name", "machine"), [("alice", "deskVM"), ("bob", "deskVM"), ("alice", "winVM")])
def test_a_desktop_opens_straight_from_the_file(world, screen, connection_file, name, machine, transport):
    with opened(world, screen, connection_file(name, machine), transport) as client:
        client.wait_for_colour(FAR[machine])


def ssh_says(person, command):
    """What somebody sees of a machine with a desktop over ssh, as an administrator of it."""
    done = person("alice").ssh("deskVM", command)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(("name", "powers"), [("alice", "root"), ("bob", "refused")])
def test_keys_reach_the_desktop_of_exactly_this_person(world, person, screen, connection_file, name, powers):
    mark = f"/tmp/typed-by-{name}"
    with opened(world, screen, connection_file(name, "deskVM")) as client:
        client.wait_for_colour(FAR["deskVM"])
        screen.click(300, 300)
        screen.type(f"(id -un; sudo -n id -un || echo refused) > {mark}.part 2>&1; mv {mark}.part {mark}\n")
        eventually(lambda: "typed" in ssh_says(person, f"ls {mark} 2>/dev/null || true"), 10, "the line was run")
        assert ssh_says(person, f"sudo cat {mark}").split()[:1] == [world.upn(name)]
        assert ssh_says(person, f"sudo cat {mark}").split()[-1] == powers
    ssh_says(person, f"sudo rm {mark}")


@pytest.mark.parametrize("machine", ["deskVM", "winVM"])
@pytest.mark.parametrize(
    ("name", "reason"),
    [("dave", "Virtual Machine User Login"), ("admin", "never includes signing in"), ("erin", "guest")],
)
def test_who_has_no_login_role_gets_no_desktop_but_the_reason(world, screen, connection_file, name, machine, reason):
    with opened(world, screen, connection_file(name, machine)) as client:
        assert client.wait_for_end(20) != 0
        assert screen.picture().share(FAR[machine]) < 0.1
        assert reason in client.output, client.output
        # The code of a person who may not (0x800759DB), also when the client tries a second time by itself.
        assert "E_PROXY_NAP_ACCESSDENIED" in client.errors and "used before" not in client.output, client.output


def test_a_file_opens_one_desktop_once(world, screen, connection_file):
    file = connection_file("alice", "deskVM")
    with opened(world, screen, file) as client:
        client.wait_for_colour(FAR["deskVM"])
    with opened(world, screen, file) as client:
        assert client.wait_for_end(20) != 0
        assert "E_PROXY_COOKIE_AUTHENTICATION_ACCESS_DENIED" in client.errors


@pytest.mark.parametrize(("user", "machine"), [("lola", "deskVM"), ("wanda", "winVM")])
def test_a_local_password_passes_untouched(world, screen, connection_file, user, machine):
    if machine == "winVM":
        desktops.set_shadow_password(world.machine(machine), user, desktops.LOCAL_PASSWORD)
    file = connection_file("alice", machine, enablerdsaad="False")
    # The desktop's own certificate is the machine's, and nobody vouches for it: the client is told to take it.
    with FreeRDP(screen, f"/u:{user}", file=file, password=desktops.LOCAL_PASSWORD) as client:
        client.wait_for_colour(FAR[machine])
    file = connection_file("alice", machine, enablerdsaad="False")
    with FreeRDP(screen, f"/u:{user}", file=file, password="wrong-Password-1") as client:
        if machine == "winVM":
            assert client.wait_for_end(20) != 0
        else:  # xrdp shows its own form, and no desktop.
            with pytest.raises(AssertionError):
                client.wait_for_colour(FAR[machine], seconds=4)


def test_a_credential_is_taken_back_when_the_desktop_is_over_and_not_a_minute_later(world, screen, connection_file):
    machine = world.machine("winVM")
    user = world.upn("alice")
    users = lambda: [line.split(":")[0] for line in machine.read(desktops.SAM).splitlines()]
    with opened(world, screen, connection_file("alice", "winVM")) as client:
        client.wait_for_colour(FAR["winVM"])
    took = eventually(lambda: user not in users(), 20, "the password was taken back")
    assert took < 10, f"{took:.1f} s"


def test_a_role_that_is_taken_away_takes_the_desktop(world, person, screen, connection_file):
    machine = world.machine("deskVM")
    taken = assignment(person, world, "hugo")
    with opened(world, screen, connection_file("hugo", "deskVM")) as client:
        client.wait_for_colour(FAR["deskVM"])
        assert person("admin").arm.send("DELETE", taken["id"], "2022-04-01").status_code in (200, 204)
        try:
            took = eventually(lambda: not client.is_running(), LIMIT + 3, "the client ended")
            assert took <= LIMIT, f"{took:.2f} s"
            client.wait_for_end(5)
            assert "removed" in client.output, client.output
            left = lambda: [line for line in machine.run("ps", "-eo", "user:40,args").splitlines() if "hugo" in line]  # noqa: E731
            eventually(lambda: not left(), 3, "every process of the desktop ended")
        finally:
            body = {
                "properties": {k: taken["properties"][k] for k in ("roleDefinitionId", "principalId", "principalType")}
            }
            person("admin").arm.send("PUT", taken["id"], "2022-04-01", body)
