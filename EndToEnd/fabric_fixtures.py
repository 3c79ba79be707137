"""A fabric of its own for a file of tests: two networks with one range, three machines."""

import shutil
import subprocess
import sys
import tempfile

import fabric_client
import pytest

from lab import shell

PORT = 28443
PASSWORD = "Correct-horse-7"


@pytest.fixture(scope="module")
def server():
    """Something that answers on the server's port of the box, and something on another one."""
    ports = [PORT, PORT + 1]
    started = [
        shell.start([sys.executable, "-m", "http.server", str(port), "--directory", "/var/empty"], "/dev/null")
        for port in ports
    ]
    yield
    for each in started:
        each.kill()
        each.wait()


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    place = tmp_path_factory.mktemp("key") / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", place], check=True)
    return place


@pytest.fixture(scope="module")
def fabric(server, key):
    folder = tempfile.mkdtemp(prefix="sallyport-fabric-")
    made = fabric_client.Fabric(folder, PORT)
    before = made.leftovers()
    try:
        made.start()
        made.network("red")
        made.network("blue")
        administrator = {"name": "azureuser", "publicKeys": [key.with_suffix(".pub").read_text()], "password": PASSWORD}
        made.machine(
            "one",
            "red",
            "10.0.0.4",
            administrator=administrator,
            memory=256,
            customData="IyEvYmluL3NoCmVjaG8gb25jZSA+Pi9yb290L2N1c3RvbQo=",
        )
        made.machine("two", "blue", "10.0.0.4")
        made.machine("three", "red", "10.0.0.5")
        yield made
        made.clean()
        assert made.leftovers() == before
        assert not (made.data / "fabric").exists()
    finally:
        if (made.data / "fabric").exists():
            made.clean()
        shutil.rmtree(folder, ignore_errors=True)
