"""The laboratory itself: what the other tests rest on."""

import json
import socket

import pytest
import requests


def test_clients_have_no_way_to_a_machine(world):
    with pytest.raises(OSError):
        socket.create_connection(("10.77.0.11", 22), timeout=2)


def test_clients_reach_the_server_by_name_and_its_certificate_is_good(world):
    session = requests.Session()
    session.trust_env = False
    answer = session.get(f"{world.url}/healthz", verify=str(world.server.authority), timeout=5)
    assert answer.status_code == 200


def test_a_client_that_does_not_know_the_authority_refuses_the_server(world):
    session = requests.Session()
    session.trust_env = False
    with pytest.raises(requests.exceptions.SSLError):
        session.get(f"{world.url}/healthz", timeout=5)


def test_a_machine_runs_real_sshd_with_nobody_s_keys_on_it(world):
    machine = world.machine("myVM")
    assert "sshd" in machine.run("ps ax")
    assert machine.run("find / -xdev -name authorized_keys; find /home /root -name authorized_keys") == ""


def test_private_files_of_the_server_are_for_nobody_else(world):
    data = world.folder / "data"
    assert data.stat().st_mode & 0o077 == 0
    for place in data.rglob("*"):
        # What machines run has the modes that it needs in there; out here the folder above keeps everybody away.
        is_machines = place.is_relative_to(data / "fabric")
        if place.is_file() and not is_machines and not place.name.endswith(".pem"):
            assert place.stat().st_mode & 0o077 == 0, place


@pytest.mark.parametrize(("machine", "product"), [("deskVM", "xrdp"), ("winVM", "freerdp-shadow")])
def test_machines_with_desktops_join_and_report_them(world, machine, product):
    report = json.loads(world.machine(machine).run("sally-agent", "status", "--json"))
    assert report["status"]["desktop"]["product"] == product
    assert report["status"]["desktop"]["port"] == 3389 and len(report["status"]["desktop"]["certificate"]) == 64
