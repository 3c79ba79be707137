"""`sally ssh vm … true` beside plain ssh that has a certificate already and goes straight to the machine."""

import os
import statistics
import subprocess
import time

import processes
from login import Lab
from report import Goal, Row

from lab import programs
from lab.shell import CommandFailed


def environment(lab):
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(lab.folder),
        "SALLY_CONFIG_DIR": str(lab.folder / "sally"),
        "SALLYPORT_URL": lab.url,
        "SALLYPORT_CA": str(lab.server.authority),
    }


def run_sally(lab, *arguments):
    """Seconds of one `sally` from start to end."""
    line = lab.place.inside([programs.program("sally"), *arguments])
    start = time.perf_counter()
    done = subprocess.run(
        line, env=environment(lab), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
    )
    spent = time.perf_counter() - start
    if done.returncode != 0:
        raise CommandFailed(f"sally {' '.join(arguments)}: exit {done.returncode}\n{done.stderr}")
    return spent


def rows(options):
    if os.geteuid() != 0:
        raise processes.Missing("root, which machines made out of namespaces take")
    os.environ["SALLYPORT_PROGRAMS"] = os.path.realpath(options.programs)
    command = ["ssh", "vm", "-n", "myVM", "-g", "demo", "--", "true"]
    times = {"sally": [], "plain": []}
    with processes.first_in_line(), Lab() as lab:
        works = {"sally": lambda: run_sally(lab, *command), "plain": lambda: lab.sign_in("certificate")}
        for work in works.values():
            work()
        for turn in range(options.logins):
            lab.restart_sshd()
            for name in sorted(works, reverse=turn % 2 == 1):
                times[name].append(works[name]() * 1e3)
    medians = {name: statistics.median(values) for name, values in times.items()}
    apart = statistics.median(ours - plain for ours, plain in zip(times["sally"], times["plain"], strict=True))
    return [
        Row("sally ssh vm … true, certificate alive", "ms", medians["sally"], medians["plain"], "ssh"),
        Row("the same, median difference of neighbours", "ms", apart, goal=Goal(30, passes=45)),
    ]
