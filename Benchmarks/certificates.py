"""SSH certificates a CPU second, beside the bare Ed25519 signatures that they cannot do without."""

import statistics
import subprocess

import processes
from report import Goal, Row


def rows(options):
    program = processes.program(options.programs, "certificate-speed")
    found = {}
    for _ in range(options.rounds):
        output = subprocess.run([program, "1"], check=True, capture_output=True, text=True).stdout
        for line in output.splitlines():
            work, count, seconds = line.split()
            found.setdefault(work, []).append(int(count) / float(seconds))
    medians = {work: statistics.median(rates) for work, rates in found.items()}
    bare = medians["signature"]
    return [
        Row(
            "SSH certificates issued (Ed25519)",
            "1/CPU s",
            medians["certificate"],
            bare,
            "bare signature",
            Goal(50_000, at_least=True, passes=40_000),
        ),
        Row("SSH certificates issued, read back, verified", "1/CPU s", medians["verified"], bare, "bare signature"),
    ]
