"""Takes away what labs have left behind: `python -m lab.cleanup [LAB]...`, all labs when none is named."""

import shutil
import sys
from pathlib import Path

from . import programs
from .shell import STATE, end, run


def clean(lab):
    """Ends a lab's processes and removes its namespaces, bridges, filters and files. Harmless when there are none."""
    folder = STATE / lab
    programs.clean_fabric(lab)
    # Names are sorted so that programs end before the machines and namespaces they live in are pulled away.
    for record in sorted(folder.glob("*.pid")) if folder.is_dir() else []:
        end(lab, record.stem)
    for name in run("ip", "netns", "list").splitlines():
        if name.split(" ")[0].startswith(f"sp{lab}-"):
            run("ip", "netns", "delete", name.split(" ")[0], check=False)
    for link in Path("/sys/class/net").iterdir():
        if link.name.startswith(f"sp{lab[:4]}-"):
            run("ip", "link", "delete", link.name, check=False)
    if f"table inet sp{lab}" in run("nft", "list", "tables", check=False).splitlines():
        run("nft", "delete", "table", "inet", f"sp{lab}", check=False)
    shutil.rmtree(folder, ignore_errors=True)
    if STATE.is_dir() and not any(STATE.iterdir()):
        STATE.rmdir()


def leftovers(lab):
    """Names of what is still there; empty after a good end."""
    found = [line.split(" ")[0] for line in run("ip", "netns", "list").splitlines() if line.startswith(f"sp{lab}-")]
    found += [link.name for link in Path("/sys/class/net").iterdir() if link.name.startswith(f"sp{lab[:4]}-")]
    found += [line for line in run("nft", "list", "tables", check=False).splitlines() if line == f"table inet sp{lab}"]
    found += [str(STATE / lab)] if (STATE / lab).exists() else []
    found += [line for line in Path("/proc/mounts").read_text().splitlines() if f"{STATE}/{lab}/" in line]
    return found


if __name__ == "__main__":
    for each in sys.argv[1:] or ([entry.name for entry in STATE.iterdir()] if STATE.is_dir() else []):
        clean(each)
