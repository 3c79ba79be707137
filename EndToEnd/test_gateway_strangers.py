"""Strangers at the gateway: guessed tokens are written down, and do not fill the log."""

import subprocess
import time

import pytest
from gateway_client import MUTE, Gateway, Refused
from gateway_fixtures import PORT, records

ADDRESS = "10.78.0.66"
GUESSES = 130


@pytest.fixture
def stranger(world, person):
    """The gateway, from an address of nobody else's."""
    place = world.client_place
    listed = subprocess.run(place.inside(["ip", "-o", "addr"]), capture_output=True, text=True, check=True).stdout
    device = next(line.split()[1] for line in listed.splitlines() if "10.78.0.2/" in line)
    subprocess.run(place.inside(["ip", "addr", "replace", f"{ADDRESS}/24", "dev", device]), check=True)
    yield Gateway(person("alice").bastion().dns_name, world.server.authority, source=ADDRESS)
    subprocess.run(place.inside(["ip", "addr", "del", f"{ADDRESS}/24", "dev", device]), check=True)


def test_guessed_tokens_do_not_fill_the_audit_log(world, stranger, file):
    began = time.time() * 1000
    turned_away = 0
    for number in range(GUESSES):
        with pytest.raises(Refused) as caught:
            stranger.websocket().open(f"guess-{number}", "myvm", PORT, capabilities=MUTE)
        turned_away += caught.value.code == 503
    assert turned_away > 0
    # Not by their number: the list holds the newest thousand entries only, and a whole run has made more before.
    written = [one for one in records(world, "gateway.open") if (one.get("event") or one)["at"] >= began]
    assert len(written) == GUESSES - turned_away
    # Nobody else notices.
    other = Gateway(f"{stranger.name}:{stranger.address[1]}", stranger.authority)
    other.websocket().open(file("bob")["gatewayaccesstoken"], "myvm", PORT).close()
