"""What survival costs without HTTP or JSON, by rows and by groups: `python -m bench.kernels [--quick]`; needs Linux.

`observe` and `summarize_survival` beside `np.sort` of the times, each sample in a process of its own, so that the
largest memory is that of this sample; and beside what lifelines needs for estimates by group and a log-rank test.
"""

import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from os import getpid
from pathlib import Path

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
from lifelines.statistics import multivariate_logrank_test

from app.analysis.arrays import FloatArray, IntArray
from app.analysis.comparison import ComparisonOptions
from app.analysis.conventions import CONVENTIONS
from app.analysis.observations import observe
from app.analysis.survival import SurvivalOptions
from app.analysis.survival_summary import summarize_survival
from bench.markdown import figure, section, table
from bench.peers.naive import estimate_group
from bench.server import memory
from bench.timing import seconds

ROWS, GROUPS = 100_000, 3
LIFELINES_ROWS = 100_000
HEAD = (
    *("rows", "groups", "times", "np.sort, ms", "observe, ms", "summarize, ms", "both : np.sort", "lifelines : both"),
    *("memory, MiB", "bytes a row"),
)
OPTIONS = SurvivalOptions(CONVENTIONS["r"]), ComparisonOptions()


@dataclass(frozen=True, slots=True)
class Sample:
    """Times in whole days or with all digits, events of half of the rows, and groups."""

    rows: int
    groups: int
    decimal: bool

    def columns(self) -> tuple[FloatArray, IntArray, IntArray]:
        """Return time, event and group."""
        random = np.random.default_rng(1)
        days = random.integers(1, 3000, self.rows).astype(np.float64)
        time = days if self.decimal else random.exponential(30, self.rows)
        return time, random.integers(0, 2, self.rows), random.integers(0, self.groups, self.rows)


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds, and MiB beyond those of the columns; lifelines is 0 where it would take too long."""

    sorting: float
    observing: float
    summarizing: float
    lifelines: float
    memory: float


def cost(sample: Sample) -> Cost:
    """Return what a sample costs; to be called in a process of its own."""
    time, event, group = sample.columns()
    summarize_survival(observe(time[:10], event[:10], group=group[:10]), sample.groups, *OPTIONS)  # imports, and such
    Path("/proc/self/clear_refs").write_text("5")  # from here on anew: the largest memory
    before = memory(getpid(), "VmRSS")
    summarize_survival(observe(time, event, group=group), sample.groups, *OPTIONS)
    needed = memory(getpid(), "VmHWM") - before
    observed = observe(time, event, group=group)
    return Cost(
        seconds(lambda: np.sort(time)),
        seconds(lambda: observe(time, event, group=group)),
        seconds(lambda: summarize_survival(observed, sample.groups, *OPTIONS)),
        seconds(lambda: lifelines(time, event, group)) if sample.rows <= LIFELINES_ROWS else 0,
        needed,
    )


def lifelines(time: FloatArray, event: IntArray, group: IntArray) -> None:
    """Estimate survival as bench/peers/naive.py does."""
    frame = pd.DataFrame({"time": time, "event": event, "group": group})
    for label, rows in frame.groupby("group"):
        estimate_group(str(label), rows, curve=False)
    multivariate_logrank_test(frame["time"], frame["group"], frame["event"])


def rows_of(samples: Iterable[Sample]) -> Iterator[tuple[str, ...]]:
    """Yield the rows of the table of some samples."""
    yield HEAD
    with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as processes:
        for sample in samples:
            found = processes.submit(cost, sample).result()
            both = found.observing + found.summarizing
            milliseconds = (figure(1e3 * one) for one in (found.sorting, found.observing, found.summarizing))
            theirs = figure(found.lifelines / both) if found.lifelines else ""
            described = f"{sample.rows:,}", f"{sample.groups:,}", "whole days" if sample.decimal else "all digits"
            ratios = figure(both / found.sorting), theirs
            yield *described, *milliseconds, *ratios, figure(found.memory), figure(found.memory * 2**20 / sample.rows)


def main(*, quick: bool = False) -> None:
    """Print a table by rows, and one by groups."""
    sizes = [10**power for power in range(2, 5 if quick else 8)]
    by_rows = [Sample(rows, GROUPS, decimal) for decimal in (True, False) for rows in sizes]
    section("Kernels by number of rows", *table(*rows_of(by_rows)))
    numbers = (1, 10) if quick else (1, 3, 10, 30, 100, 300, 1000)
    by_groups = [Sample(ROWS, groups, decimal) for decimal in (True, False) for groups in numbers]
    section("Kernels by number of groups", *table(*rows_of(by_groups)))


if __name__ == "__main__":
    main(quick="--quick" in sys.argv)
