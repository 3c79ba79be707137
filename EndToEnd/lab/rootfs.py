"""Root file systems of other Debian releases, made once with debootstrap and kept in a cache."""

import fcntl
import os
import shutil
from pathlib import Path

from .shell import run

#: What a machine needs to be signed in to, and to be looked at by tests.
PACKAGES = ["openssh-server", "sudo", "libpam-modules", "iproute2", "procps", "passwd", "ca-certificates"]
RELEASES = {"bullseye": "11", "bookworm": "12", "trixie": "13"}
_RECIPE = "2"


def cache():
    """The folder that outlives runs: SALLYPORT_CACHE, or ~/.cache/sallyport."""
    return Path(os.environ.get("SALLYPORT_CACHE") or Path.home() / ".cache" / "sallyport")


def release(name, mirror=None):
    """The path of the root file system of a Debian release; the first call takes about a minute."""
    if name not in RELEASES:
        raise ValueError(f"no release is called {name!r}")
    folder = cache() / "roots"
    folder.mkdir(parents=True, exist_ok=True)
    finished = folder / f"{name}-{_RECIPE}"
    with open(folder / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if finished.is_dir():
            return finished
        unfinished = folder / f"{name}.unfinished"
        if unfinished.exists():
            shutil.rmtree(unfinished)
        mirror = mirror or os.environ.get("SALLYPORT_DEBIAN_MIRROR") or "http://deb.debian.org/debian"
        run(
            "debootstrap",
            "--variant=minbase",
            f"--include={','.join(PACKAGES)}",
            name,
            unfinished,
            mirror,
            timeout=900,
        )
        shutil.rmtree(unfinished / "var" / "cache" / "apt", ignore_errors=True)
        shutil.rmtree(unfinished / "var" / "lib" / "apt" / "lists", ignore_errors=True)
        unfinished.rename(finished)
    return finished
