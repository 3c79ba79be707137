"""Reads what ThreadSanitizer wrote: `python -m lab.races FOLDER` prints the races and fails if there is one.

On Linux `Mutex` waits with a futex that the kernel hands from thread to thread, which the sanitizer does not see. So it
reports two critical sections of one mutex as a race whenever they contended. Such a report is left out: both sides are
inside `withLock` of the same property, which the source says at the lines in the two stacks. A race that has no line of
ours on either side is named and does not fail the run: it is the libraries' own, or the runtime's when it hands a task
from thread to thread.
"""

import linecache
import re
import sys
from pathlib import Path

SOURCES = Path(__file__).resolve().parents[2] / "Sources"
_START = "WARNING: ThreadSanitizer:"
_FRAME = re.compile(r"^\s+#\d+ .* (/\S+?\.swift):(\d+)")
_LOCK = re.compile(r"([\w.$?]+)\.withLock\b")
#: A call that goes on over some lines is reported at any of them.
_REACH = 3


def reports(text):
    """The reports in what one program wrote."""
    for part in text.split(_START)[1:]:
        yield _START + part.partition("==================")[0]


def stacks(report):
    """The stacks of the two accesses: for each a list of (file, line)."""
    found, inside = [], False
    for line in report.splitlines():
        if re.match(r"^  (Previous )?\w.*\bby (main )?thread\b|^  \w.* by main thread", line):
            found.append([])
            inside = True
        elif not line.strip():
            inside = False
        elif inside and (frame := _FRAME.match(line)):
            found[-1].append((frame[1], int(frame[2])))
    return found[:2]


def locks(stack):
    """What is locked while a stack is on its way, as `file: receiver`."""
    held = set()
    for file, line in stack:
        for number in range(line, max(0, line - _REACH), -1):
            if match := _LOCK.search(linecache.getline(file, number)):
                held.add(f"{Path(file).parent}: {match[1]}")
                break
    return held


def is_mutex_unseen(report):
    """Whether both accesses hold the same mutex."""
    both = [locks(stack) for stack in stacks(report)]
    return len(both) == 2 and bool(both[0] & both[1])


def is_ours(report):
    """Whether either access has a line of this repository's sources in its stack."""
    return any(Path(file).is_relative_to(SOURCES) for stack in stacks(report) for file, _ in stack)


def main(folder):
    seen, elsewhere, left_out = {}, set(), 0
    for file in sorted(Path(folder).glob("*")):
        for report in reports(file.read_text(errors="replace")):
            if is_mutex_unseen(report):
                left_out += 1
            elif not is_ours(report):
                elsewhere.add(report.partition("SUMMARY: ThreadSanitizer: ")[2].partition("\n")[0])
            else:
                seen.setdefault(str(stacks(report)), report)
    for report in seen.values():
        print(report)
    for line in sorted(elsewhere):
        print(f"races: not in our code: {line}")
    print(f"races: {len(seen)} found, {len(elsewhere)} elsewhere; {left_out} reports left out: contention for a mutex")
    return 1 if seen else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
