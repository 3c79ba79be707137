"""`sally az setup`: points a real Azure CLI at the server, and takes it back; the server's extension index."""

import hashlib
import json
import os
import subprocess
import zipfile

import pytest

from azure_cli import PROGRAM
from lab import programs


class Computer:
    """Somebody's account on a computer with both command lines."""

    def __init__(self, world, home):
        self.world = world
        self.home = home
        home.mkdir()
        self.environment = {
            "PATH": f"{PROGRAM.parent}:/usr/bin:/bin",
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "NO_PROXY": "*",
            "AZURE_CORE_COLLECT_TELEMETRY": "false",
            "AZURE_EXTENSION_USE_DYNAMIC_INSTALL": "no",
            "SALLYPORT_URL": world.url,
            "SALLYPORT_CA": str(world.server.authority),
        }

    def run(self, *line, **environment):
        return subprocess.run(
            list(map(str, line)), env={**self.environment, **environment}, cwd=self.home,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
        )  # fmt: skip

    def setup(self, *options, **environment):
        return self.run(programs.program("sally"), "az", "setup", *options, **environment)

    def in_shell(self, line):
        """A line in a shell that has read the variables."""
        return self.run("bash", "-c", f"source ~/.sally/az/env && {line}")


@pytest.fixture
def computer(world, tmp_path):
    return Computer(world, tmp_path / "home")


@pytest.fixture
def shelf(world):
    """The operator's directory of extensions, with one in it that greets."""
    folder = world.server.data / "extensions"
    folder.mkdir(exist_ok=True)
    wheel = folder / "greeting-1.2.3-py3-none-any.whl"
    files = {
        "azext_greeting/__init__.py": """
from azure.cli.core import AzCommandsLoader
from azure.cli.core.commands import CliCommandType

def greet():
    return {"says": "good day"}

class Loader(AzCommandsLoader):
    def __init__(self, cli_ctx=None):
        super().__init__(cli_ctx=cli_ctx, custom_command_type=CliCommandType(operations_tmpl="azext_greeting#{}"))

    def load_command_table(self, args):
        with self.command_group("greeting") as group:
            group.custom_command("say", "greet")
        return self.command_table

    def load_arguments(self, command):
        pass

COMMAND_LOADER_CLS = Loader
""",
        "azext_greeting/azext_metadata.json": json.dumps({"azext.minCliCoreVersion": "2.0.0"}),
        "greeting-1.2.3.dist-info/METADATA": "Metadata-Version: 2.1\nName: greeting\nVersion: 1.2.3\n",
        "greeting-1.2.3.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in files) + "greeting-1.2.3.dist-info/RECORD,,\n"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in {**files, "greeting-1.2.3.dist-info/RECORD": record}.items():
            archive.writestr(name, text)
    yield wheel
    wheel.unlink()


def test_it_sets_the_cloud_up_and_says_what_it_found(world, computer):
    done = computer.setup()
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert f"ok   server: {world.url}" in lines
    assert f"ok   cloud: AzureCloud is {world.url}" in lines
    assert any(line.startswith("ok   az: 2.") for line in lines)
    assert "ok   discovery: core.instance_discovery is off" in lines
    assert any(line.startswith("note ssh: ") and "az extension add --name ssh" in line for line in lines)
    assert any(line.startswith("note shell: ") and "source" in line for line in lines)


def test_a_shell_that_has_read_the_variables_can_log_in(world, computer):
    assert computer.setup().returncode == 0
    done = computer.in_shell(f"az login -u {world.upn('dave')} -p '{world.password('dave')}' && az group show -n demo")
    assert done.returncode == 0, done.stderr
    # The bundle knows the server's authority and the system's.
    bundle = (computer.home / ".sally/az/ca.pem").read_text()
    assert world.server.authority.read_text().strip() in bundle and bundle.count("BEGIN CERTIFICATE") > 1
    assert os.stat(computer.home / ".sally/az/ca.pem").st_mode & 0o077 == 0


def test_undo_puts_everything_back(computer):
    azure = computer.home / ".azure"
    computer.run(PROGRAM, "config", "set", "core.output=json", "core.instance_discovery=true", "--only-show-errors")
    before = {name: (azure / name).read_text() for name in ("config",)}
    assert computer.setup().returncode == 0
    assert computer.setup().returncode == 0, "a second time is as good"
    assert "sallyport.test" in (azure / "clouds.config").read_text()
    done = computer.setup("--undo")
    assert done.returncode == 0, done.stderr
    assert {name: (azure / name).read_text() for name in before} == before
    assert "sallyport.test" not in (azure / "clouds.config").read_text()
    assert not (computer.home / ".sally/az/env").exists()
    shown = json.loads(computer.run(PROGRAM, "cloud", "show").stdout)
    assert shown["endpoints"]["resourceManager"] == "https://management.azure.com/"
    assert computer.setup("--undo").returncode == 1


def test_a_folder_of_its_own_leaves_the_usual_one_alone(world, computer):
    done = computer.setup("--config-directory", computer.home / "contoso")
    assert done.returncode == 0, done.stdout
    assert "export AZURE_CONFIG_DIR=" in (computer.home / ".sally/az/env").read_text()
    assert world.url in (computer.home / "contoso/clouds.config").read_text()
    clouds = computer.home / ".azure/clouds.config"
    assert not clouds.exists() or world.url not in clouds.read_text()


def test_without_az_the_lines_are_printed_instead(world, computer):
    done = computer.setup(PATH="/usr/bin:/bin")
    assert done.returncode == 1 and "FAIL az: " in done.stdout
    assert f"az cloud update -n AzureCloud --endpoint-resource-manager {world.url}" in done.stdout
    assert "az config set core.instance_discovery=false" in done.stdout
    assert f"export REQUESTS_CA_BUNDLE={world.server.authority}" in done.stdout
    printed = computer.setup("--print")
    assert printed.returncode == 0 and "export SSL_CERT_FILE=" in printed.stdout
    assert not (computer.home / ".azure").exists()


def test_a_server_that_is_none_or_not_trusted_is_said_to_be_so(computer):
    done = computer.setup("--url", "https://127.0.0.1:9")
    assert done.returncode == 1 and "FAIL server: " in done.stdout
    done = computer.setup(SALLYPORT_CA="")
    assert done.returncode == 1, done.stdout


def test_the_index_lists_the_operator_s_wheels_with_their_digests(world, endpoint, shelf):
    index = endpoint.http.get(f"{world.url}/extensions/index.json", timeout=10).json()
    entry = index["extensions"]["greeting"][0]
    got = endpoint.http.get(entry["downloadUrl"], timeout=10).content
    assert got == shelf.read_bytes()
    assert entry["sha256Digest"] == hashlib.sha256(got).hexdigest()


@pytest.mark.parametrize("name", ["seal.key", "..%2fseal.key", "%2e%2e/seal.key", "x-1-py3-none-any.whl", "index.html"])
def test_nothing_else_is_served_from_there(world, endpoint, shelf, name):
    (shelf.parent / "seal.key").write_text("no")
    try:
        assert endpoint.http.get(f"{world.url}/extensions/{name}", timeout=10).status_code in (400, 404)
    finally:
        (shelf.parent / "seal.key").unlink()


def test_az_installs_an_extension_from_the_server(world, computer, shelf):
    done = computer.setup()
    assert done.returncode == 0 and "ok   index: greeting" in done.stdout, done.stdout
    assert "(from Microsoft's index" not in done.stdout, "the index in use is the server's, which has no such extension"
    done = computer.in_shell("az extension add --name greeting --only-show-errors && az greeting say")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"says": "good day"}
    listed = json.loads(computer.in_shell("az extension list").stdout)
    assert [(one["name"], one["version"]) for one in listed] == [("greeting", "1.2.3")]
