"""Decisions among many role assignments: how long one takes, how long a start takes, and how much memory they need."""

import subprocess
import tempfile
from pathlib import Path

import processes
from report import Goal, Row

SIZES = (1_000, 10_000, 100_000)


def rows(options):
    program = processes.program(options.programs, "access-decisions")
    measured = {}
    with tempfile.TemporaryDirectory(prefix="sallyport-decisions-") as folder:
        for size in SIZES:
            store = Path(folder) / f"{size}.db"
            subprocess.run([program, "fill", store, str(size)], check=True)
            output = subprocess.run(
                [program, "measure", store, str(size)], check=True, capture_output=True, text=True
            ).stdout
            measured[size] = dict(part.split("=") for part in output.split() if "=" in part)
    found = []
    for size in SIZES:
        one = {name: float(value.rstrip("%")) for name, value in measured[size].items()}
        label = f"{size:,} role assignments"
        found += [
            Row(f"{label}: decision, p50", "us", one["decision_us_p50"]),
            Row(f"{label}: decision, p99", "us", one["p99"], goal=Goal(20)),
            Row(f"{label}: a change, stored and in force, p50", "us", one["change_us_p50"]),
            Row(f"{label}: reading them at the start", "CPU ms", one["load_cpu_ms"], goal=Goal(1_000)),
            Row(f"{label}: memory", "MiB", one["memory_MiB"]),
        ]
    return found
