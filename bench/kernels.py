"""What survival costs without HTTP or JSON, by rows and by groups: `python -m bench.kernels [--quick]`; needs Linux.

`observe` and `summarize_survival` beside `np.sort` of the times, each sample in a process of its own, so that the
largest memory is that of this sample; and beside what lifelines needs for estimates by group and a log-rank test.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
from lifelines.statistics import multivariate_logrank_test

from app.analysis.arrays import FloatArray, IntArray
from app.analysis.comparison import ComparisonOptions
from app.analysis.conventions import CONVENTIONS
from app.analysis.event_times import event_times
from app.analysis.logrank import logrank_test
from app.analysis.observations import observe
from app.analysis.survival import SurvivalOptions, estimate_survival
from app.analysis.survival_summary import summarize_survival
from app.schemas.flat_request import MAX_GROUPS
from bench.markdown import figure, section, table
from bench.peers.naive import estimate_group
from bench.server import largest_memory
from bench.timing import seconds

ROWS, GROUPS = 100_000, 3
LIFELINES_ROWS, LIFELINES_GROUPS = 100_000, 10
OPTIONS = SurvivalOptions(CONVENTIONS["r"])
Columns = tuple[FloatArray, IntArray, IntArray]
NOTE = f"""\
Milliseconds, and the largest memory beyond that of the columns. `all` is `observe` and `summarize`, which holds the
estimates, the log-rank test, hazard ratios and much else, and takes up to {MAX_GROUPS} groups in the API; `like` is
what lifelines does, estimates and a log-rank test.
"""


@dataclass(frozen=True, slots=True)
class Sample:
    """Times in whole days or with all digits, events of half of the rows, and groups."""

    rows: int
    groups: int
    decimal: bool

    def columns(self) -> Columns:
        """Return time, event and group."""
        random = np.random.default_rng(1)
        days = random.integers(1, 3000, self.rows).astype(np.float64)
        time = days if self.decimal else random.exponential(30, self.rows)
        return time, random.integers(0, 2, self.rows), random.integers(0, self.groups, self.rows)


def steps(sample: Sample, columns: Columns) -> dict[str, Callable[[], object]]:
    """Return what a sample is put through."""
    time, event, group = columns
    observed = observe(time, event, group=group)
    estimate = partial(estimate_survival, options=OPTIONS, largest_time_of_all=float(time.max()))
    found: dict[str, Callable[[], object]] = {
        "np.sort": lambda: np.sort(time),
        "observe": lambda: observe(time, event, group=group),
        "estimate": lambda: [estimate(part) for part in observed.split(sample.groups)],
        "log-rank": lambda: logrank_test(event_times(observed, sample.groups)),
    }
    if sample.groups <= MAX_GROUPS:
        found["summarize"] = lambda: summarize_survival(observed, sample.groups, OPTIONS, ComparisonOptions())
    if sample.rows <= LIFELINES_ROWS and sample.groups <= LIFELINES_GROUPS:
        found["lifelines"] = lambda: lifelines(time, event, group)
    return found


def cost(sample: Sample) -> dict[str, float]:
    """Return the seconds of each step, and the MiB that ours need beyond their columns; in a process of its own."""
    few, columns = Sample(10, 1, decimal=True), sample.columns()
    for step in steps(few, few.columns()).values():
        step()  # what is loaded on use
    Path("/proc/self/clear_refs").write_text("5")  # the largest memory: from here on anew
    before = largest_memory()
    functions = steps(sample, columns)
    for name in functions.keys() - {"lifelines"}:
        functions[name]()
    needed = largest_memory() - before
    return {name: seconds(function, 0.3) for name, function in functions.items()} | {"memory": needed}


def lifelines(time: FloatArray, event: IntArray, group: IntArray) -> None:
    """Estimate survival as bench/peers/naive.py does."""
    frame = pd.DataFrame({"time": time, "event": event, "group": group})
    for label, rows in frame.groupby("group"):
        estimate_group(str(label), rows, curve=False)
    multivariate_logrank_test(frame["time"], frame["group"], frame["event"])


def rows_of(samples: Iterable[Sample]) -> Iterator[tuple[str, ...]]:
    """Yield the rows of the table of some samples."""
    steps = "np.sort", "observe", "estimate", "log-rank", "summarize"
    yield "rows", "groups", "times", *steps, "all : np.sort", "lifelines : like", "MiB", "bytes a row"
    with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as processes:
        for sample in samples:
            found = processes.submit(cost, sample).result()
            described = f"{sample.rows:,}", f"{sample.groups:,}", "whole days" if sample.decimal else "all digits"
            milliseconds = (figure(1e3 * found[name]) if name in found else "" for name in steps)
            like = found["observe"] + found["estimate"] + found["log-rank"]
            every = found["observe"] + found["summarize"] if "summarize" in found else like
            theirs = figure(found["lifelines"] / like) if "lifelines" in found else ""
            size = figure(found["memory"]), figure(found["memory"] * 2**20 / sample.rows)
            yield *described, *milliseconds, figure(every / found["np.sort"]), theirs, *size


def main(*, quick: bool = False) -> None:
    """Print a table by rows, and one by groups."""
    sizes = [10**power for power in range(2, 5 if quick else 8)]
    by_rows = [Sample(rows, GROUPS, decimal) for decimal in (True, False) for rows in sizes]
    section("Kernels by number of rows", NOTE, *table(*rows_of(by_rows)))
    numbers = (1, 10) if quick else (1, 10, MAX_GROUPS, 100, 1000)
    by_groups = [Sample(ROWS, groups, decimal) for decimal in (True, False) for groups in numbers]
    section("Kernels by number of groups", *table(*rows_of(by_groups)))


if __name__ == "__main__":
    main(quick="--quick" in sys.argv)
