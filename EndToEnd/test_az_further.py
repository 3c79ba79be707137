"""What users of the unmodified Azure CLI do less often: kept scripts, keys with a name, refusals, what roles allow."""

import json
import shlex

import pytest

from articles import Walk, public_addresses
from sdk_fixtures import assert_nothing_lost

GROUP = "further"
MACHINE = "keeper"


@pytest.fixture(scope="module")
def walk(world, az, admin):
    """In the group that the SDK's clients have made, and remove."""
    with public_addresses(world):
        yield Walk(world, az)


@pytest.fixture(scope="module")
def machine(walk):
    """A machine whose administrator's key is kept under a name."""
    line = f"vm create -g {GROUP} -n {MACHINE} --image Debian12 --ssh-key-name mine --generate-ssh-keys --nsg-rule NONE"
    printed = walk.az("admin", f"{line} --admin-username keykeeper", timeout=240)
    return json.loads(printed[printed.index("{") :])


def shown(walk, line):
    return json.loads(walk.az("admin", line, timeout=180))


def command(verb, options=""):
    return f"vm run-command {verb} -g {GROUP} --vm-name {MACHINE} {options}"


def view(walk, name):
    return shown(walk, command("show", f"--run-command-name {name} --instance-view --query instanceView"))


def test_a_key_is_kept_under_its_name(walk, machine):
    key = shown(walk, f"sshkey show -g {GROUP} -n mine")["publicKey"]
    assert key.startswith("ssh-rsa ")
    script = f"vm run-command invoke -g {GROUP} -n {MACHINE} --command-id RunShellScript --scripts"
    printed = shown(walk, f"{script} 'cat ~keykeeper/.ssh/authorized_keys'")["value"][0]["message"]
    assert key.split()[1] in printed
    walk.az("admin", f"sshkey create -g {GROUP} -n other", expect=1, match="belong to one person")


def test_a_kept_script_runs_when_it_is_made_and_when_it_changes(world, walk, machine):
    script = shlex.quote("echo first $1 $word")
    options = f"--run-command-name one --script {script} --parameters word=hello --protected-parameters p=S3cretWord"
    assert shown(walk, command("create", options))["provisioningState"] == "Succeeded"
    first = view(walk, "one")
    assert first["executionState"] == "Succeeded" and first["exitCode"] == 0
    assert first["output"].strip() == "first hello hello"
    walk.az("admin", command("update", "--run-command-name one --script 'echo second >&2; exit 4'"))
    second = view(walk, "one")
    assert (second["executionState"], second["exitCode"], second["error"].strip()) == ("Failed", 4, "second")
    assert [one["name"] for one in shown(walk, command("list"))] == ["one"]
    assert "sha256" in world.server.audit() and "S3cretWord" not in "".join(world.logs().values())


def test_a_kept_script_runs_on_while_its_author_goes_on(walk, machine):
    options = "--run-command-name slow --script 'sleep 3; echo late' --async-execution true"
    walk.az("admin", command("create", options))
    assert view(walk, "slow")["executionState"] in ("Running", "Succeeded")
    wait = "--run-command-name slow --instance-view --interval 1 --timeout 60"
    walk.az("admin", command("wait", f"{wait} --custom \"instanceView.executionState=='Succeeded'\""))
    walk.az("admin", command("delete", "--run-command-name slow --yes"))
    walk.az("admin", command("show", "--run-command-name slow"), expect=3, match="ResourceNotFound")


def test_a_kept_script_that_takes_too_long_is_ended(walk, machine):
    options = "--run-command-name long --script 'sleep 60' --timeout-in-seconds 2"
    walk.az("admin", command("create", options))
    assert view(walk, "long")["executionState"] == "Failed"


def test_kept_scripts_are_read_by_the_sdk_without_loss(walk, machine, admin):
    commands = admin.compute.virtual_machine_run_commands
    walk.az("admin", command("create", "--run-command-name sdk --script id"))
    found = commands.get_by_virtual_machine(GROUP, MACHINE, "sdk", expand="instanceView")
    assert found.source.script == "id" and found.instance_view.exit_code == 0
    assert_nothing_lost(admin, found)
    keys = admin.compute.ssh_public_keys
    assert_nothing_lost(admin, keys.get(GROUP, "mine"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("-n badsize --image Debian12 --size Nonsense", "Nonsense"),
        ("-n 'bücher' --image Debian12", "InvalidResourceName"),
        ("-n windows --image Win2022Datacenter --admin-password Very-l0ng-words", "Linux machines only"),
    ],
)
def test_a_machine_that_cannot_be_is_refused_in_words(walk, options, said):
    account = "--admin-username zoe" + ("" if "password" in options else " --generate-ssh-keys")
    printed = walk.az("admin", f"vm create -g {GROUP} {options} {account}", expect=1, match=said)
    assert "Traceback" not in printed


def test_an_image_that_nobody_has_is_said_to_be_missing(walk):
    line = f"vm create -g {GROUP} -n x --image Nope --admin-username zoe --generate-ssh-keys"
    printed = walk.az("admin", line, expect=2, match="Nope")
    assert "Traceback" not in printed
    assert shown(walk, f"image list -g {GROUP}") == []


def test_what_roles_can_allow_and_what_previews_there_are(walk):
    found = shown(walk, "provider operation show --namespace microsoft.compute")
    assert found["id"] == "/providers/Microsoft.Authorization/providerOperations/Microsoft.Compute"
    assert "Microsoft.Compute/virtualMachines/login/action" in json.dumps(found)
    assert shown(walk, "feature list --namespace Microsoft.Compute") == []
    walk.az("admin", "feature show --namespace Microsoft.Compute -n x", expect=3, match="no previews")


def test_programs_that_the_operator_declared_are_applications(walk):
    assert "ci-robot" in [one["displayName"] for one in shown(walk, "ad app list --all")]


def test_templates_nested_in_loops_are_refused_before_they_cost_anything(walk, folder):
    template = {"contentVersion": "1.0.0.0", "resources": []}
    for level in range(6):
        nested = {"mode": "Incremental", "template": template}
        name = f"[concat('n{level}-', copyIndex())]"
        one = {"type": "Microsoft.Resources/deployments", "apiVersion": "2021-04-01", "name": name}
        template = {
            "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
            "contentVersion": "1.0.0.0",
            "resources": [{**one, "copy": {"name": "c", "count": 20}, "properties": nested}],
        }
    file = folder / "nested.json"
    file.write_text(json.dumps(template))
    line = f"deployment group create -g {GROUP} -n nested --template-file {file}"
    walk.az("admin", line, expect=1, match="more work than is allowed")
