"""Connection files: what stands in them, who signs them, and who gets none."""

import base64
import subprocess

import pytest
from gateway_client import properties
from gateway_fixtures import PORT, ask


def test_a_file_says_how_to_come_through_the_gateway(file, world):
    found = file()
    assert found["full address"] == found["alternate full address"] == "myvm"
    assert found["server port"] == PORT
    assert (found["gatewayusagemethod"], found["gatewayprofileusagemethod"], found["gatewaycredentialssource"]) == (
        1,
        1,
        5,
    )
    assert len(found["gatewayaccesstoken"]) == 43
    assert found["signscope"].startswith("Full Address,Alternate Full Address,")
    assert "gatewayaccesstoken" not in found["signscope"].lower()


def test_a_file_says_how_the_person_signs_in(world, file):
    """A machine with an agent and a desktop needs no password, unless somebody wants one."""
    world.machine("deskVM")
    desk = world.path("deskVM")
    for asked, expected in [("True", (0, 1)), (None, (0, 0)), ("False", (1, None))]:
        found = file(port=3389, web_account=asked, resource=desk)
        assert found["full address"].lower() == "deskvm"
        assert (found["enablecredsspsupport"], found.get("enablerdsaadauth")) == expected


def test_the_file_s_signature_is_good_and_goes_with_a_changed_address(world, person, host, tmp_path):
    text = ask(world, person("alice"), world.path("myVM")).text

    def verify(lines):
        found = properties("\r\n".join(lines))
        scope = found["signscope"].split(",")
        by_name = {line.split(":", 1)[0].lower(): line for line in lines}
        message = "".join(by_name[name.lower()] + "\r\n" for name in scope) + f"signscope:s:{found['signscope']}\r\n\0"
        (tmp_path / "message").write_bytes(message.encode("utf-16-le"))
        (tmp_path / "signature").write_bytes(base64.b64decode(found["signature"].replace(" ", ""))[12:])
        return subprocess.run(
            ["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", tmp_path / "signature", "-content",
             tmp_path / "message", "-CAfile", world.server.authority, "-purpose", "any", "-out", "/dev/null"],
            capture_output=True,
        ).returncode  # fmt: skip

    lines = text.splitlines()
    assert verify(lines) == 0
    assert verify([line.replace("full address:s:myvm", "full address:s:evil") for line in lines]) != 0
    assert verify([line.replace("use multimon:i:1", "use multimon:i:0") for line in lines]) == 0


def test_who_may_not_connect_gets_no_file_and_the_reason(world, person):
    answer = ask(world, person("olga"), world.path("myVM"))
    assert answer.status_code in (403, 404) and answer.json()["message"]
    answer = ask(world, person("alice"), world.path("myVM"), Authorization=None)
    assert answer.status_code == 401 and answer.json()["message"]
    answer = ask(world, person("alice"), world.path("myVM"), Authorization="Bearer nonsense")
    assert answer.status_code == 401


def test_a_basic_bastion_host_gives_no_file(world, person):
    answer = ask(world, person("alice"), world.path("islandVM", "other"))
    assert answer.status_code == 403 and "Standard" in answer.json()["message"]


def test_an_address_and_a_web_account_do_not_go_together_unless_a_machine_is_known_there(world, person):
    world.machine("deskVM")
    address = f"{world.group()}/providers/Microsoft.Network/bh-hostConnect/10.77.0.99"
    answer = ask(world, person("alice"), address, 3389, "True")
    assert answer.status_code in (403, 409) and answer.json()["message"]
    known = f"{world.group()}/providers/Microsoft.Network/bh-hostConnect/10.77.0.41"
    answer = ask(world, person("alice"), known, 3389, "True")
    assert answer.status_code == 200 and properties(answer.text)["full address"].lower() == "deskvm"


@pytest.mark.parametrize("query", ["format=xml", "rdpport=0", "rdpport=x", "enablerdsaad=perhaps", "resourceId=%0d%0a"])
def test_a_query_that_makes_no_sense_is_refused_in_words(world, person, host, query):
    answer = ask(world, person("alice"), world.path("myVM") + "&x=y", PORT, f"False&{query}")
    assert answer.status_code == 400 and answer.json()["message"]
    assert "\r" not in answer.json()["message"]
