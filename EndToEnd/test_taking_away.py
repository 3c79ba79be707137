"""What somebody loses ends what they are doing, within two seconds, with a word of explanation."""

import subprocess
import time

import pytest

from bastion_client import TokenRefused
from sign_in import Refused, eventually

LIMIT = 2.0


class Live:
    """A session that prints a line every tenth of a second, with a background process started by it."""

    def __init__(self, who, tunnel):
        command = "setsid nohup sleep 4321 >/dev/null 2>&1 & echo started; while sleep 0.1; do echo tick; done"
        self.process = who.start_ssh(tunnel, command, options=["-tt"])
        assert self.process.stdout.readline().strip() == "started"

    def is_over(self):
        return self.process.poll() is not None

    def said(self):
        out, err = self.process.communicate(timeout=10)
        return out + err


@pytest.fixture
def live(world, person):
    """live("gina") opens a session that is closed after the test whatever happens."""
    opened = []

    def open_for(name):
        world.machine("myVM")
        tunnel = person(name).bastion().tunnel(world.path("myVM"))
        session = Live(person(name), tunnel.__enter__())
        opened.append((tunnel, session))
        return session

    yield open_for
    for tunnel, session in opened:
        session.process.kill()
        tunnel.__exit__(None, None, None)


def assignment(person, world, name, role="Virtual Machine Administrator Login"):
    """The path of somebody's login role on the group."""
    arm = person("admin").arm
    base = f"{world.group()}/providers/Microsoft.Authorization"
    found = arm.get(f"{base}/roleAssignments", "2022-04-01", **{"$filter": "atScope()"})["value"]
    roles = arm.get(f"{base}/roleDefinitions", "2022-05-01-preview", **{"$filter": f"roleName eq '{role}'"})["value"]
    who = person(name).object_id
    return next(
        a
        for a in found
        if a["properties"]["principalId"] == who and a["properties"]["roleDefinitionId"] == roles[0]["id"]
    )


def test_a_role_that_is_taken_away_ends_the_session(world, person, live):
    session = live("gina")
    taken = assignment(person, world, "gina")
    assert person("admin").arm.send("DELETE", taken["id"], "2022-04-01").status_code in (200, 204)
    took = eventually(session.is_over, LIMIT + 3, "the session ended")
    assert took <= LIMIT, f"{took:.2f} s"
    assert "removed" in session.said()
    machine = world.machine("myVM")
    eventually(lambda: "sleep 4321" not in machine.run("ps ax"), 5, "her background process ended too")
    with pytest.raises((Refused, TokenRefused, AssertionError)):
        done = person("gina").ssh("myVM", "echo got-in")
        assert done.returncode == 0
    # And given back: she can work again at once.
    body = {"properties": {k: taken["properties"][k] for k in ("roleDefinitionId", "principalId", "principalType")}}
    assert person("admin").arm.send("PUT", taken["id"], "2022-04-01", body).status_code in (200, 201)
    eventually(lambda: person("gina").ssh("myVM", "true").returncode == 0, 5, "she is back")


def test_less_of_a_role_ends_the_administrator_s_session_and_the_next_has_no_sudo(world, person, live):
    """What was started with sudo belongs to root and would outlive the role; so the session ends, with that reason."""
    hugo = person("hugo")
    session = live("hugo")
    admin_role = assignment(person, world, "hugo")
    user_role = assignment(person, world, "bob", "Virtual Machine User Login")["properties"]["roleDefinitionId"]
    lesser = {"properties": {"roleDefinitionId": user_role, "principalId": hugo.object_id, "principalType": "User"}}
    place = admin_role["id"].rpartition("/")[0] + "/5a11b0a7-0000-4000-8000-00000000aaaa"
    assert person("admin").arm.send("PUT", place, "2022-04-01", lesser).status_code == 201
    assert person("admin").arm.send("DELETE", admin_role["id"], "2022-04-01").status_code in (200, 204)
    took = eventually(session.is_over, LIMIT + 3, "the session ended")
    assert took <= LIMIT, f"{took:.2f} s"
    assert "administrator role" in session.said()
    done = hugo.ssh("myVM", "id -un; sudo -n true 2>/dev/null || echo no-sudo")
    assert done.stdout.split() == [world.upn("hugo"), "no-sudo"], done.stderr


def test_an_account_that_is_switched_off_ends_the_session_and_the_sign_in(world, person, live):
    session = live("frank")
    admin, frank = person("admin"), person("frank")
    who = frank.object_id
    assert admin.graph("PATCH", f"/users/{who}", {"accountEnabled": False}).status_code in (200, 204)
    took = eventually(session.is_over, LIMIT + 3, "the session ended")
    assert took <= LIMIT, f"{took:.2f} s"
    with pytest.raises(Refused, match="AADSTS50057|AADSTS50173"):
        frank.endpoint.refresh(frank.tokens["refresh_token"])
    assert frank.arm.send("GET", world.group()).status_code == 401
    with pytest.raises(Refused, match="AADSTS50057"):
        frank.sign_in()
    assert admin.graph("PATCH", f"/users/{who}", {"accountEnabled": True}).status_code in (200, 204)
    frank.sign_in()
    assert frank.ssh("myVM", "true").returncode == 0


def test_a_tunnel_that_carries_no_ssh_yet_is_ended_too(world, person):
    """Switching an account off closes its WebSockets, whatever goes through them."""
    bob = person("bob")
    bastion = bob.bastion()
    session = bastion.open(world.path("myVM"))
    far = bastion.socket(session)
    far.recv()
    world.switch_account("bob", enabled=False)
    try:
        far.settimeout(LIMIT + 1)
        began = time.monotonic()
        try:
            while far.recv():
                pass
        except Exception as error:  # noqa: BLE001 - any end is an end, a time-out is not
            assert "timed out" not in str(error)
        assert time.monotonic() - began <= LIMIT
    finally:
        world.switch_account("bob", enabled=True)
    bob.sign_in()


def test_revoked_sessions_have_to_sign_in_again(world, person, folder):
    """However soon after the sign-in it is: several times, so that some fall into one second."""
    import people

    for _ in range(5):
        bob = people.Person(world, "bob", folder)
        answer = person("admin").graph("POST", f"/users/{bob.object_id}/revokeSignInSessions")
        assert answer.status_code == 200
        with pytest.raises(Refused, match="AADSTS50173|AADSTS70008|invalid_grant"):
            bob.endpoint.refresh(bob.tokens["refresh_token"])
        assert bob.arm.send("GET", world.group()).status_code == 401
    person("bob").sign_in()


def test_nobody_ends_other_people_s_sessions(world, person, live):
    session = live("alice")
    answer = person("bob").graph("PATCH", f"/users/{person('alice').object_id}", {"accountEnabled": False})
    assert answer.status_code == 403
    taken = assignment(person, world, "alice")
    assert person("bob").arm.send("DELETE", taken["id"], "2022-04-01").status_code == 403
    assert not session.is_over()


def test_a_server_that_restarts_keeps_the_sessions_on_machines_alive_through_the_agent(world):
    """Local accounts of people who are in stay resolvable while the server is away."""
    machine = world.machine("myVM")
    before = machine.run("getent", "passwd", world.upn("alice"))
    world.server.stop()
    try:
        assert machine.run("getent", "passwd", world.upn("alice")) == before
        began = time.monotonic()
        machine.run("getent", "passwd", "nobody-at-all@contoso.example", check=False)
        assert time.monotonic() - began < 5
    finally:
        world.server.start()
    machine.wait_for("sally-agent status", 30)


def test_after_the_restart_everything_works_again(world, person):
    def works():
        try:
            return person("alice").ssh("myVM", "true").returncode == 0
        except (TokenRefused, subprocess.TimeoutExpired, OSError):
            return False

    eventually(works, 30, "a session after the restart")
