"""Enrolment and the agent, against people who would like to be a machine."""

import json

import pytest

from lab import programs, shell
from lab.machine import Machine


def join_body(token):
    return {
        "token": token,
        "machineKey": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPt9Z0m3WbPn1R2k1dQb9p9QJYc7y5m0u8nQ1h9b2x3y",
        "hostname": "evil",
        "hostKeys": [],
        "osName": "Debian",
        "osVersion": "12",
        "agentVersion": "0",
        "addresses": ["10.77.0.66"],
    }


def post(world, endpoint, path, body, **headers):
    return endpoint.http.post(world.url + path, json=body, headers=headers, timeout=10)


@pytest.mark.parametrize("token", ["", "x", "0" * 43, "../../etc"])
def test_nobody_joins_with_a_guessed_token(world, endpoint, token):
    answer = post(world, endpoint, "/hosts/v1/join", join_body(token))
    assert answer.status_code in (400, 401, 403) and answer.json()["error"]["code"]


def test_a_join_token_works_once(world):
    """The machine's own token was used when it joined; a second use is refused."""
    machine = world.machine("myVM")
    token = world.server.join_token(world.path("bareVM"))
    other = Machine(world.network.lab, "twice", world.network, "10.77.0.66", dies_with_parent=True).start()
    try:
        other.name_host("sallyport.test", "10.77.0.1")
        for path, mode in (("/usr/sbin/sally-agent", 0o755),):
            other.copy_in(machine.root / path.lstrip("/"), path, mode)
        for path in ("libnss_sallyport.so.2", "pam_sallyport.so"):
            other.copy_in(machine.root / "usr/lib/sallyport" / path, f"/usr/lib/sallyport/{path}")
        other.write("/etc/sallyport/ca.pem", world.server.authority.read_text())
        other.write("/etc/sallyport/join-token", token, 0o600)
        join = "sally-agent join --server https://sallyport.test --ca-file /etc/sallyport/ca.pem --token-file"
        other.run(f"{join} /etc/sallyport/join-token")
        other.run("sally-agent leave", check=False)
        other.write("/tmp/again", token, 0o600)
        with pytest.raises(shell.CommandFailed):
            other.run(f"{join} /tmp/again")
    finally:
        other.stop()


SCRIPTED = """
apiVersion: 1
virtualMachines:
  - {name: scriptVM, resourceGroup: demo, osType: Linux, virtualNetwork: demo-vnet, subnet: machines, \
privateAddress: 10.77.0.67, entraLogin: true}
"""


def test_the_installation_script_is_all_that_a_machine_needs(world, person, endpoint, tmp_path):
    """From the script and one directory to a sign-in, on a machine that has nothing of ours."""
    plan = tmp_path / "scripted.yaml"
    plan.write_text(SCRIPTED)
    world.server.apply(plan, {})
    machine = Machine(world.network.lab, "script", world.network, "10.77.0.67", dies_with_parent=True).start()
    try:
        machine.name_host("sallyport.test", "10.77.0.1")
        machine.start_sshd()
        for path, source in programs.host_programs().items():
            machine.copy_in(source, f"/root/from/{path.rpartition('/')[2]}")
            for library in programs.toolchain_libraries(source):
                machine.copy_in(library, library)
        machine.write("/root/ca.pem", world.server.authority.read_text())
        machine.write("/root/token", world.server.join_token(world.path("scriptVM")), 0o600)
        machine.write("/root/install.sh", endpoint.http.get(f"{world.url}/hosts/v1/install.sh", timeout=10).text)
        words = ["--server", world.url, "--token-file", "/root/token", "--from", "/root/from", "--ca-file"]
        machine.run("sh", "/root/install.sh", *words, "/root/ca.pem")
        machine.run("rm", "-r", "/root/from")
        machine.serve("sally-agent", "/usr/local/sbin/sally-agent", "run")
        machine.wait_for("/usr/local/sbin/sally-agent status", 30)
        world.machines["scriptVM"] = machine
        assert person("alice").ssh("scriptVM", "id -un").stdout.strip() == world.upn("alice")
    finally:
        world.machines.pop("scriptVM", None)
        machine.stop()
        for path in ("Microsoft.Compute/virtualMachines/scriptVM", "Microsoft.Network/networkInterfaces/scriptVMVMNic"):
            person("admin").arm.send("DELETE", f"{world.group()}/providers/{path}")


def test_a_second_agent_does_not_take_the_first_one_s_place(world, person):
    """Somebody runs it by hand to have a look; nobody is locked out by that, then or afterwards."""
    machine = world.machine("myVM")
    with pytest.raises(shell.CommandFailed, match="runs on this machine already"):
        machine.run("sally-agent", "run", timeout=20)
    assert person("alice").ssh("myVM", "true").returncode == 0


@pytest.mark.parametrize("path", ["/hosts/v1/token", "/hosts/v1/control", "/hosts/v1/sessions"])
@pytest.mark.parametrize("authorization", [None, "Sallyport-Host a.1.b.c", "Bearer x"])
def test_a_machine_s_doors_want_a_machine_s_signature(world, endpoint, path, authorization):
    headers = {"Authorization": authorization} if authorization else {}
    for method in ("GET", "POST"):
        answer = endpoint.http.request(method, world.url + path, headers=headers, json={"resource": "x"}, timeout=10)
        assert answer.status_code in (400, 401, 403, 404, 405, 426), (method, answer.status_code)


def test_the_identity_token_is_the_machine_s_own(world, person):
    from sign_in import payload

    machine = world.machine("myVM")
    url = f"http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource={world.url}/"
    answer = json.loads(machine.run(f"curl -s -H 'Metadata: true' '{url}'"))
    assert isinstance(answer["expires_in"], str)
    vm = person("admin").arm.get(world.path("myVM"))
    assert payload(answer["access_token"])["oid"] == vm["identity"]["principalId"]


def test_the_agent_s_private_files_are_root_s_alone(world):
    machine = world.machine("myVM")
    assert machine.run("test", "-d", "/var/lib/sallyport/private") == ""
    assert machine.run("find", "/var/lib/sallyport/private", "-perm", "/077") == ""
    assert machine.run("grep", "-rl", "PRIVATE KEY", "/etc/sallyport", "/run/sallyport", check=False) == ""


def test_people_on_the_machine_cannot_ask_for_its_identity(world, person):
    """Without the header there is no token, and the machine's key is out of reach."""
    done = person("bob").ssh(
        "myVM",
        "cat /var/lib/sallyport/private/* ; curl -s 'http://169.254.169.254/metadata/identity/oauth2/token?resource=x'",
    )
    assert "PRIVATE" not in done.stdout and "access_token" not in done.stdout


def test_sshd_s_configuration_is_a_drop_in_and_valid(world):
    machine = world.machine("myVM")
    assert machine.run("sshd -t") == ""
    shown = machine.run("sshd -T -C user=alice@contoso.example,host=x,addr=10.77.0.1,laddr=10.77.0.11,lport=22")
    assert "trustedusercakeys /etc/sallyport/user_ca_keys\n" in shown
    assert "authorizedprincipalsfile /etc/sallyport/principals/%U\n" in shown
    assert "authorizedprincipalscommand none\n" in shown
    local = machine.run("sshd -T -C user=root,host=x,addr=10.77.0.1,laddr=10.77.0.11,lport=22")
    assert "passwordauthentication" in local


def test_allow_groups_does_not_stop_a_first_sign_in(world, person):
    """The classic trap: groups that appear only after the first login."""
    machine = world.machine("myVM")
    group = person("carol").ssh("myVM", "id -gn").stdout.strip()
    assert group
    groups = person("carol").ssh("myVM", "id -Gn").stdout.split()
    shared = next((g for g in groups if "@" not in g), groups[0])
    machine.write("/etc/ssh/sshd_config.d/00-groups.conf", f"AllowGroups {shared} root\n")
    machine.run("kill -HUP $(cat /run/sshd.service)")
    try:
        machine.run("rm -rf /home/carol* /home/*carol*")
        machine.wait_for("ss -Hltn 'sport = :22' | grep -q .", 5)
        assert person("carol").ssh("myVM", "true").returncode == 0
    finally:
        machine.run("rm /etc/ssh/sshd_config.d/00-groups.conf; kill -HUP $(cat /run/sshd.service)")
        machine.wait_for("ss -Hltn 'sport = :22' | grep -q .", 5)


def test_a_link_in_the_way_of_the_agent_is_not_followed(world):
    """Somebody on the machine plants links where root's helper writes; nothing outside changes."""
    machine = world.machine("myVM")
    machine.run(
        "echo untouched > /root/target; ln -sf /root/target /tmp/sallyport; ln -sf /root/target /tmp/agent.sock"
    )
    machine.end_service("sally-agent")
    from lab.programs import start_agent

    start_agent(machine)
    assert machine.read("/root/target") == "untouched\n"


def test_the_host_s_certificate_makes_the_first_question_unnecessary(world, person, endpoint, tmp_path):
    import subprocess

    lines = endpoint.http.get(f"{world.url}/hosts/v1/authorities", timeout=10).json()
    known = tmp_path / "known_hosts"
    text = json.dumps(lines)
    assert "cert-authority" in text
    entries = [v for v in flatten(lines) if v.startswith("@cert-authority")]
    known.write_text("\n".join(entries) + "\n")
    alice = person("alice")
    with alice.bastion().tunnel(world.path("myVM")) as tunnel:
        line = alice.ssh_line(tunnel.port, "echo sure")
        strict = ["-o", "StrictHostKeyChecking=yes", "-o", f"UserKnownHostsFile={known}", "-o", "HostKeyAlias=myvm"]
        done = subprocess.run([line[0], *strict, *line[1:]], capture_output=True, text=True, timeout=40)
    assert done.stdout.strip() == "sure", done.stderr


def flatten(value):
    if isinstance(value, dict):
        value = value.values()
    if isinstance(value, str):
        return [value]
    return [text for item in value for text in flatten(item)] if hasattr(value, "__iter__") else []
