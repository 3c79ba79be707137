"""The real, unmodified Azure CLI, with a configuration folder of its own for each person."""

import json
import os
import subprocess
from pathlib import Path

PROGRAM = Path(__file__).resolve().parents[1] / ".venv-az" / "bin" / "az"


class CommandRefused(Exception):
    """`az` ended with another status than 0; the text is what it printed."""

    def __init__(self, arguments, status, text):
        self.status = status
        self.text = text
        super().__init__(f"az {' '.join(arguments)}: exit {status}\n{text}")


class AzureCLI:
    """`az` pointed at the lab's server by updating the built-in cloud, which leaves the cloud's name alone."""

    def __init__(self, folder, url, authority):
        self.folder = Path(folder)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        kept = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy") and not k.startswith("AZURE")}
        self.environment = {
            **kept,
            "HOME": str(self.folder),
            "AZURE_CONFIG_DIR": str(self.folder / "azure"),
            "REQUESTS_CA_BUNDLE": str(authority),
            "SSL_CERT_FILE": str(authority),
            "AZURE_CORE_INSTANCE_DISCOVERY": "false",
            "AZURE_CORE_COLLECT_TELEMETRY": "false",
            "AZURE_EXTENSION_USE_DYNAMIC_INSTALL": "no",
            "AZURE_CORE_LOGIN_EXPERIENCE_V2": "off",
            "AZURE_CORE_NO_COLOR": "true",
            "NO_PROXY": "*",
        }
        self.run("cloud", "update", "-n", "AzureCloud", "--endpoint-resource-manager", url)

    def start(self, *arguments, **environment):
        """A running `az`, for commands that wait for a browser."""
        return subprocess.Popen(
            [PROGRAM, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**self.environment, **environment},
        )

    def run(self, *arguments, timeout=90):
        """Runs a command to its end; returns its JSON, or nothing when it prints none."""
        process = self.start(*arguments)
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            raise CommandRefused(arguments, "time-out", out + err) from None
        if process.returncode != 0:
            raise CommandRefused(arguments, process.returncode, out + err)
        try:
            return json.loads(out)
        except ValueError:
            return out.strip()
