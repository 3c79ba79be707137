"""Windows machines: the script is well-formed, and the server does its part for an agent that speaks for one."""

import re
import threading
import time
from pathlib import Path

import pytest
import tree_sitter
import tree_sitter_powershell

from windows_host import SERVER_2016, SERVER_2022, WindowsHost

FOLDER = Path(__file__).resolve().parents[1] / "Hosts" / "windows"
PROTOCOL = FOLDER.parents[1] / "docs" / "protocol" / "windows-host.md"
EXTENSION = "AADLoginForWindows"
API = "2024-07-01"


def script():
    """Both files of the agent, the one that reads the other first."""
    files = [FOLDER / "sallyport-agent.ps1", FOLDER / "sallyport-accounts.ps1"]
    assert sorted(FOLDER.glob("*.ps1")) == sorted(files)
    return "\n".join(file.read_text() for file in files)


def nodes(node):
    """Every node of a syntax tree."""
    yield node
    for child in node.children:
        yield from nodes(child)


@pytest.fixture(scope="module")
def tree():
    language = tree_sitter.Language(tree_sitter_powershell.language())
    return tree_sitter.Parser(language).parse(script().encode())


def test_the_script_is_well_formed(tree):
    wrong = [node.start_point for node in nodes(tree.root_node) if node.is_error or node.is_missing]
    assert not wrong


def test_the_script_calls_nothing_of_its_own_that_is_not_there(tree):
    text = script()
    defined = set(re.findall(r"^function ([A-Z]\w+-\w+)", text, re.MULTILINE))
    called = {node.text.decode() for node in nodes(tree.root_node) if node.type == "command_name"}
    # What Windows PowerShell 5.1 brings along, as far as it is used here.
    known = {
        "Add-Content", "Add-LocalGroupMember", "ConvertFrom-Json", "ConvertTo-Json", "ConvertTo-SecureString",
        "Copy-Item", "Disable-LocalUser", "Enable-LocalUser", "ForEach-Object", "Get-ChildItem", "Get-CimInstance",
        "Get-Content", "Get-Item", "Get-ItemProperty", "Get-LocalGroupMember", "Get-LocalUser", "Get-NetIPAddress",
        "Get-Random", "Import-Certificate", "Invoke-RestMethod", "Join-Path", "Move-Item", "New-Item", "New-LocalUser",
        "New-Object", "New-ScheduledTaskAction", "New-ScheduledTaskSettingsSet", "New-ScheduledTaskTrigger",
        "New-TimeSpan", "Out-Null", "Register-ScheduledTask", "Remove-Item", "Remove-LocalGroupMember", "Select-Object",
        "Set-Content", "Set-LocalUser", "Set-StrictMode", "Start-ScheduledTask", "Start-Sleep", "Test-Path",
        "Unregister-ScheduledTask", "Where-Object", "Write-Output", "Write-Warning",
        "icacls.exe", "logoff.exe", "msg.exe", "quser.exe",
    }  # fmt: skip
    assert called - defined - known == set()
    assert defined - called == set(), "defined and never called"


def test_the_script_never_writes_a_password_down():
    text = script()
    assert not re.search(r"Write-(Log|Output|Warning)[^\n]*\$(\w*\.)?(password|secret)", text, re.IGNORECASE)
    assert "net user" not in text.lower()


def test_script_and_protocol_name_the_same_kinds():
    described = set(re.findall(r"^\| (?:server|agent) \| ([^|]*) \|", PROTOCOL.read_text(), re.MULTILINE))
    described = {kind for row in described for kind in re.findall(r"`(\w+)`", row)}
    text = script()
    spoken = set(re.findall(r"kind = '(\w+)'", text)) | set(re.findall(r"^ {8}'(\w+)' \{", text, re.MULTILINE))
    assert spoken <= described and described - spoken <= {"accounts", "reply", "error"}


# The server's part


@pytest.fixture
def host(world, extension):
    """host(release): the machine winPC as an agent speaks for it, gone before its extension, lest that wait for it."""
    made = []

    def join(release=SERVER_2022):
        made.append(WindowsHost(world, "winPC", "winpc", release))
        return made[-1]

    yield join
    for one in made:
        one.close()


@pytest.fixture
def extension(world, person):
    """extension(): asks for the extension and returns how that ended, as `az vm extension set` waits for it."""
    arm = person("admin").arm
    path = f"{world.path('winPC')}/extensions/{EXTENSION}"

    def finished(answer):
        """The end of a long-running operation."""
        assert answer.status_code in (200, 201, 202, 204), answer.text
        operation = answer.headers.get("Azure-AsyncOperation")
        while operation:
            # As it was given: it bears its version.
            headers = {"Authorization": f"Bearer {arm.token}"}
            state = arm.endpoint.http.get(operation, headers=headers, timeout=20).json()
            if state["status"] in ("Succeeded", "Failed"):
                return state["status"], state.get("error", {}).get("message", "")
            time.sleep(0.1)
        return "Succeeded", ""

    def install():
        properties = {"publisher": "Microsoft.Azure.ActiveDirectory", "type": EXTENSION, "typeHandlerVersion": "1.0"}
        return finished(arm.send("PUT", path, API, {"location": "local", "properties": properties}))

    yield install
    finished(arm.send("DELETE", path, API))


def answering(host, *reports):
    """Answers each configuration that switches sign-in on with a report, in the background."""

    def run():
        for state, code in reports:
            while not host.wait_for("configuration")["loginEnabled"]:
                pass
            host.report(state, code)

    threading.Thread(target=run, daemon=True).start()


def test_the_extension_succeeds_when_the_machine_says_so(host, extension, world, person):
    one = host()
    assert one.connect()["loginEnabled"] is False
    one.report("disabled")
    answering(one, ("enabled", 0))
    assert extension() == ("Succeeded", "")
    view = person("admin").arm.get(f"{world.path('winPC')}/instanceView", API)
    assert view["computerName"] == "winpc" and "Windows Server 2022" in view["osName"]
    assert any(status["code"] == "SignIn/webAccount/supported" for status in view["statuses"])


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (51, "exit code: 51"),
        (-2145648574, "1007, exit code: -2145648574 (DSREG_E_MSI_TENANTID_UNAVAILABLE)"),
        (-2145648607, "-2145648607 (DSREG_AUTOJOIN_DISC_FAILED)"),
    ],
)
def test_the_extension_fails_with_the_codes_of_the_article(host, extension, code, words):
    one = host()
    one.connect()
    one.report("disabled")
    answering(one, ("failed", code))
    state, message = extension()
    assert state == "Failed" and words in message


def test_the_extension_is_refused_at_once_on_a_system_that_is_too_old(host, extension):
    one = host(SERVER_2016)
    one.connect()
    one.report("disabled")
    state, message = extension()
    assert state == "Failed" and "exit code: 51" in message


def test_a_machine_that_has_not_connected_cannot_be_given_the_extension(host, extension):
    host()
    state, message = extension()
    assert state == "Failed" and "not connected" in message
