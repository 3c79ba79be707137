"""What the bastion refuses, and that it says why."""

import pytest

from lab.world import SUBSCRIPTION
from raw_http import request


def refusal(bastion, resource, port=22, **fields):
    """The answer of a request that must be refused; it is JSON with a `message`, because the client needs one."""
    answer = bastion.ask(resource, port, strict=True, **fields)
    assert 400 <= answer.status_code < 500, answer.text
    return answer.status_code, answer.json()["message"]


@pytest.mark.parametrize("token", ["", "x", "a.b.c", None])
def test_without_a_good_token_there_is_no_session(world, bastion, token):
    status, message = refusal(bastion, world.path("myVM"), aztoken=token)
    assert status in (400, 401) and message


def test_a_graph_token_is_not_for_the_bastion(world, bastion, person):
    alice = person("alice")
    token = alice.endpoint.refresh(alice.tokens["refresh_token"], alice.endpoint.graph_scope)["access_token"]
    assert refusal(bastion, world.path("myVM"), aztoken=token)[0] == 401


def test_a_refresh_token_is_not_for_the_bastion(world, bastion, person):
    assert refusal(bastion, world.path("myVM"), aztoken=person("alice").tokens["refresh_token"])[0] == 401


def test_a_machine_that_is_not_there_and_one_that_may_not_be_seen_look_the_same(world, person):
    dave = person("dave").bastion()
    unseen = refusal(dave, world.path("islandVM", "other"))
    missing = refusal(dave, world.path("noSuchVM", "other"))
    assert unseen[0] == missing[0]
    assert unseen[1].replace("islandVM", "X") == missing[1].replace("noSuchVM", "X")


def test_a_machine_in_a_network_without_peering_is_refused_with_that_reason(world, bastion):
    status, message = refusal(bastion, world.path("lonelyVM", "other"))
    assert "peer" in message.lower()


def test_a_machine_in_a_peered_network_is_allowed(world, bastion):
    session = bastion.open(world.path("peeredVM", "other"))
    bastion.close(session)


@pytest.mark.parametrize("port", ["0", "-1", "65536", "ssh", "22;23", "", "1e3"])
def test_ports_that_are_none_are_refused(world, bastion, port):
    status, message = refusal(bastion, world.path("myVM"), port)
    assert "port" in message.lower()


@pytest.mark.parametrize("protocol", ["udp", "", "rdp2"])
def test_protocols_that_are_none_are_refused(world, bastion, protocol):
    refusal(bastion, world.path("myVM"), protocol=protocol)


@pytest.mark.parametrize(
    "resource",
    [
        "",
        "/",
        "myVM",
        f"/subscriptions/{SUBSCRIPTION}",
        "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/demo/providers/Microsoft.Compute/virtualMachines/myVM",
        "/subscriptions/%00",
        "/subscriptions/" + "x" * 5000,
    ],
    ids=["empty", "root", "name", "subscription", "foreign", "zero", "long"],
)
def test_resources_that_are_no_machines_are_refused(bastion, resource):
    refusal(bastion, resource)


def test_a_body_that_is_no_form_is_refused_in_words(world, bastion):
    for headers, body in (
        ({"Content-Type": "application/json"}, "{}"),
        ({"Content-Type": "application/x-www-form-urlencoded"}, "%%%"),
        ({"Content-Type": "application/x-www-form-urlencoded"}, "resourceId=a&resourceId=b"),
        ({}, ""),
    ):
        answer = bastion.http.post("https://sallyport.test/api/tokens", data=body, headers=headers, timeout=10)
        assert 400 <= answer.status_code < 500 and answer.json()["message"]


def test_a_huge_body_is_refused_early(world):
    head = [("Content-Type", "application/x-www-form-urlencoded"), ("Content-Length", "5000000000")]
    status, _, _ = request(world, "POST", "/api/tokens", head, timeout=5)
    assert status in (0, 400, 413)


def test_a_basic_bastion_has_no_native_client(world, person):
    status, message = refusal(person("admin").bastion("basic-bastion", "other"), world.path("islandVM", "other"))
    assert status == 403 and message


# Connections by address


def by_address(address):
    group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/demo"
    return f"{group}/providers/Microsoft.Network/bh-hostConnect/{address}"


def test_a_machine_can_be_reached_by_its_address(bastion):
    session = bastion.open(by_address("10.77.0.11"), hostname="10.77.0.11")
    assert bastion.socket(session).recv().startswith(b"SSH-")
    bastion.close(session)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "169.254.169.254", "0.0.0.0", "::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "10.80.0.11",
        "10.78.0.1", "10.77.0.1", "224.0.0.1", "255.255.255.255", "localhost", "2130706433", "0x7f.1", "0177.0.0.1",
        "sallyport.test", "10.11.123.456", "fe80::1",
    ],
)  # fmt: skip
def test_addresses_that_are_not_machines_of_the_network_are_refused(bastion, address):
    status, message = refusal(bastion, by_address(address), hostname=address)
    assert message
