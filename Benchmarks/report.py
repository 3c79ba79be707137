"""What a measurement says, and the one table that all of them end up in."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Goal:
    """A bound on the figure itself or on its ratio to what is beside it.

    `passes` is the bound of `--check` where that is not the goal: what is known to be missed must at least not get
    worse, and ratios of a busy machine need some room.
    """

    bound: float
    of_ratio: bool = False
    at_least: bool = False
    passes: float | None = None

    def is_met(self, row):
        return self._holds(row, self.bound)

    def lets_pass(self, row):
        return self._holds(row, self.bound if self.passes is None else self.passes)

    def _holds(self, row, bound):
        number = row.ratio if self.of_ratio else row.ours
        return number >= bound if self.at_least else number <= bound

    def __str__(self):
        return f"{'>=' if self.at_least else '<='} {figure(self.bound)}{'x' if self.of_ratio else ''}"


@dataclasses.dataclass(frozen=True)
class Row:
    """One line of the table. `beside` is something well known, measured in the same run."""

    name: str
    unit: str
    ours: float
    beside: float | None = None
    neighbour: str = ""
    goal: Goal | None = None

    @property
    def ratio(self):
        return self.ours / self.beside if self.beside else None

    @property
    def misses_goal(self):
        return self.goal is not None and not self.goal.is_met(self)

    @property
    def fails_check(self):
        return self.goal is not None and not self.goal.lets_pass(self)


def figure(number):
    """A number with as many digits as mean something."""
    if number is None:
        return ""
    if abs(number) >= 1000:
        return f"{number:,.0f}"
    return f"{number:.1f}" if abs(number) >= 10 else f"{number:.2f}"


def table(rows):
    """Rows as aligned text."""
    lines = [("", "unit", "ours", "beside", "", "ratio", "goal", "")]
    for row in rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}x"
        verdict = "" if row.goal is None else "missed" if row.misses_goal else "met"
        cells = (row.name, row.unit, figure(row.ours), figure(row.beside), row.neighbour, ratio)
        lines.append((*cells, str(row.goal or ""), verdict))
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    right = {2, 3, 5}
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
