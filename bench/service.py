"""Requests beside peers, over HTTP: `python -m bench.service [--quick]`.

Each server is one uvicorn worker with the options of the image (plumber's is R), all are up at once and asked in turn,
so that what else the machine does touches all alike. Read the ratios, not the milliseconds.
"""

import io
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median, quantiles

import numpy as np
import pyarrow as pa

from app.api.arrow_table import STREAM
from bench.client import connections, one_by_one, rate, request
from bench.markdown import figure, section, table
from bench.peers.plumber import plumber, r_versions
from bench.server import ROOT, SERVICE, Server, serving

SERVED = "Atrisk"
NAIVE, R = "naive: records, lifelines", "R survival, plumber"
NAIVE_WHOLE, R_WHOLE = f"{NAIVE}, all of the answer", f"{R}, all of the answer"
VALIDATED, TAKEN = "FastAPI, validates only", "FastAPI, takes the body only"
WHOLE = {NAIVE: NAIVE_WHOLE, R: R_WHOLE}
"""The peers that are also asked for what our answer has besides: all subjects, follow-up, hazard ratios and more."""
PEERS = {SERVED: SERVICE, NAIVE: "bench.peers.naive:app"} | {
    VALIDATED: "bench.peers.floors:validating",
    TAKEN: "bench.peers.floors:raw",
}
ROUNDS = 10
AT_ONCE = 4
"""Connections kept busy where requests a second are counted: the server never waits for the client."""
COARSE = {"curve": {"max_points": 500}}

Columns = dict[str, list[float] | list[int] | list[str]]


@dataclass(frozen=True, slots=True)
class Case:
    """A request as each of the peers takes it; a large one is sent a few times, and one at a time."""

    title: str
    sent: Mapping[str, bytes]
    large: bool = False


@dataclass(slots=True)
class Measured:
    """What a peer took: seconds of requests alone, requests a second of several at once, by round."""

    alone: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Return requests a second."""
        return median(self.rates) if self.rates else 1 / median(self.alone)


def sample(rows: int, *, decimal: bool) -> Columns:
    """Return follow-up of three groups, in whole days or in months with all digits, and events of half of them."""
    random = np.random.default_rng(1)
    times = random.integers(1, 3000, rows) if decimal else random.exponential(30, rows)
    groups = random.choice(np.array(["A", "B", "C"]), rows)
    return {"time": times.tolist(), "event": random.integers(0, 2, rows).tolist(), "group": groups.tolist()}


def survival(title: str, subjects: Columns, *, large: bool) -> Case:
    """Return a request for survival, a large one with curves as fine as a plot shows; peers leave them out then."""
    records = [dict(zip(subjects, row, strict=True)) for row in zip(*subjects.values(), strict=True)]
    ours = body({"subjects": subjects} | (COARSE if large else {}))
    theirs = {
        NAIVE: body({"subjects": records, "curve": not large}),
        R: body({"subjects": subjects, "curve": not large}),
    }
    sent = {name: request("/v1/survival", theirs.get(name, ours)) for name in (*PEERS, R)}
    whole = {} if large else {WHOLE[name]: request("/v1/survival/whole", theirs[name]) for name in WHOLE}
    return Case(title, sent | whole, large=large)


def arrow(title: str, subjects: Columns) -> Case:
    """Return the request whose body is an Arrow stream."""
    file, columns = io.BytesIO(), pa.table(subjects)
    with pa.ipc.new_stream(file, columns.schema) as writer:
        writer.write_table(columns)
    path = "/v1/survival?options=%7B%22curve%22:%7B%22max_points%22:500%7D%7D"
    return Case(title, dict.fromkeys((SERVED, TAKEN), request(path, file.getvalue(), STREAM)), large=True)


def outcomes() -> Case:
    """Return the request for the outcomes of the founding paper's cohort."""
    sent = request("/v1/outcomes", (ROOT / "examples" / "bale2018.json").read_bytes())
    return Case("Outcomes of the cohort of examples/bale2018.json", dict.fromkeys((SERVED, VALIDATED, TAKEN), sent))


def body(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def cases(rows: int) -> Iterator[Case]:
    """Yield the requests; the large ones have so many rows."""
    yield survival("Survival, 26 rows, full answer", sample(26, decimal=True), large=False)
    yield survival("Survival, 1,000 rows, full answer", sample(1000, decimal=True), large=False)
    yield outcomes()
    for times, decimal in (("whole days", True), ("all digits", False)):
        subjects = sample(rows, decimal=decimal)
        yield survival(f"Survival, {rows:,} rows as columns, {times}", subjects, large=True)
        yield arrow(f"Survival, {rows:,} rows as Arrow, {times}", subjects)


def measure(case: Case, servers: Mapping[str, Server], seconds: float) -> dict[str, Measured]:
    """Return what the peers take that a case has a request for, each given some seconds; a large one three requests."""
    found = {name: Measured() for name in case.sent if name in servers}
    share = seconds / ROUNDS / 2
    with ExitStack() as stack:
        kept = {name: stack.enter_context(connections(servers[name].port, AT_ONCE)) for name in found}
        for name in found if not case.large else ():
            one_by_one(kept[name][0], case.sent[name], share)  # warm
        for _ in range(3 if case.large else ROUNDS):
            for name, one in found.items():
                one.alone += one_by_one(kept[name][0], case.sent[name], 0 if case.large else share)
                if not case.large:
                    one.rates.append(rate(kept[name], case.sent[name], share))
    return found


def rows_of(case: Case, measured: Mapping[str, Measured]) -> Iterator[tuple[str, ...]]:
    """Yield the rows of the table of a case."""
    yield "", "body, MB", "requests a second", "p50, ms", "p99, ms", "Atrisk : it"
    for name, one in measured.items():
        p99 = figure(1e3 * quantiles(one.alone, n=100, method="inclusive")[-1]) if len(one.alone) >= 50 else ""
        ratio = measured[SERVED].rate / one.rate
        size = len(case.sent[name]) / 1e6
        yield name, figure(size), figure(one.rate), figure(1e3 * median(one.alone)), p99, figure(ratio)


def main(*, quick: bool = False) -> None:
    """Print a table a case."""
    with ExitStack() as stack:
        servers = {name: stack.enter_context(serving(app)) for name, app in PEERS.items()}
        if r_versions():
            servers[R] = stack.enter_context(plumber())
        servers |= {WHOLE[name]: servers[name] for name in WHOLE if name in servers}
        for case in cases(10_000 if quick else 1_000_000):
            measured = measure(case, servers, 0.5 if quick else 8)
            section(case.title, *table(*rows_of(case, measured)))


if __name__ == "__main__":
    main(quick="--quick" in sys.argv)
