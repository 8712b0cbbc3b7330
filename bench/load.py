"""Many more clients than the service can serve: `python -m bench.load [--seconds 60] [--clients N]`; needs Linux.

Requests of 26 to 300,000 rows, cohorts, models and figures; one in ten is malformed, of one in twenty the client leaves
midway. Every answer must be, byte for byte, what the service answers when it has nothing else to do, or a 503 that says
when to come back; `/livez` is asked from another process all the while. It fails where anything else happens.
"""

import argparse
import asyncio
import os
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from statistics import median, quantiles
from time import perf_counter, sleep

from bench.client import END_OF_HEAD, JSON, Answer, Connection, answer_head, get, request
from bench.markdown import figure, section, table
from bench.memory import SVG, cohort, full_curves, groups, regression
from bench.server import memory, serving

MALFORMED, LEAVING = 1 / 10, 1 / 20
CAPACITY = 8 + (os.cpu_count() or 1)
"""Requests that the service takes at once by its defaults: one a processor, and a queue."""
PATIENCE = 120
"""Seconds after which a client counts its request as not answered."""
PAUSE = 0.2
"""Seconds that a client waits, on average, after a 503; it does not heed Retry-After, which would end the overload."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A request, how often it is sent beside others, and the status of its answer."""

    name: str
    sent: bytes
    weight: int = 1
    status: int = 200


@dataclass(slots=True)
class Tally:
    """What became of the requests: seconds of those answered, by kind, numbers of others, and what must not be."""

    answered: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    rejected: int = 0
    left: int = 0
    failures: Counter[str] = field(default_factory=Counter)

    def add(self, kind: Kind, answer: Answer, expected: Answer, seconds: float) -> None:
        """Count an answer."""
        if answer.status == 503 and answer.headers.get("retry-after", "").isdecimal():
            self.rejected += 1
        elif answer.status != kind.status:
            self.failures[f"{kind.name}: status {answer.status}"] += 1
        elif answer.body != expected.body:
            self.failures[f"{kind.name}: another answer than without load"] += 1
        else:
            self.answered[kind.name].append(seconds)


def post(path: str, body: bytes, media_type: str = JSON, **headers: str) -> bytes:
    """Return a request whose problem, which names the request, is the same each time."""
    return request(path, body, media_type, X_Request_ID="load", **headers)


def good(*, large: bool) -> list[Kind]:
    """Return requests that are answered, the large ones among them if wanted."""
    kinds = [
        Kind("survival, 26 rows", post("/v1/survival", groups(26)), 6),
        Kind("survival, 1,000 rows", post("/v1/survival", groups(1000)), 4),
        Kind("outcomes, 50 patients", post("/v1/outcomes", cohort(50)), 3),
        Kind("Cox model, 1,000 rows", post("/v1/regression/cox", regression(1000)), 2),
        Kind("figure, 300 rows", post("/v1/survival", groups(300), **SVG), 2),
    ]
    return kinds + [
        Kind("survival, 30,000 rows, full curves", post("/v1/survival", full_curves(30_000))),
        Kind("survival, 300,000 rows", post("/v1/survival", groups(300_000))),
        Kind("outcomes, 1,000 patients", post("/v1/outcomes", cohort(1000))),
        Kind("Cox model, 30,000 rows", post("/v1/regression/cox", regression(30_000))),
    ] * large  # fmt: skip


def malformed(*, large: bool) -> list[Kind]:
    """Return requests that are refused."""
    rows = 30_000 if large else 1000
    wrong = groups(rows).replace(b"true", b'"yes"')
    return [
        Kind("no JSON", post("/v1/survival", groups(rows)[:-10]), status=400),
        Kind("wrong values", post("/v1/survival", wrong), status=422),
        Kind("unknown field", post("/v1/outcomes", cohort(50).replace(b'"died"', b'"dead"', 1)), status=422),
        Kind("another media type", post("/v1/survival", groups(26), "text/plain"), status=415),
        Kind("another path", post("/v1/survivals", groups(26)), status=404),
    ]


async def answer_to(reader: asyncio.StreamReader) -> Answer:
    """Return the next answer of a connection."""
    answer = answer_head((await reader.readuntil(END_OF_HEAD)).removesuffix(END_OF_HEAD))
    body = await reader.readexactly(int(answer.headers["content-length"]))
    return Answer(answer.status, answer.headers, body)


class Client:
    """Someone who sends requests, one after another, until it is time to end."""

    def __init__(self, port: int, number: int, kinds: Sequence[Sequence[Kind]], expected: Mapping[str, Answer]) -> None:
        self._port = port
        self._random = random.Random(number)  # noqa: S311 - any choice will do
        self._good, self._malformed = kinds
        self._expected = expected

    async def send_until(self, until: float, tally: Tally) -> None:
        """Send requests, and tally what becomes of them."""
        while perf_counter() < until:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            try:
                while perf_counter() < until and await self._send(reader, writer, tally):
                    pass
            except (OSError, EOFError) as error:
                tally.failures[f"connection broken: {type(error).__name__}"] += 1
            finally:
                writer.close()

    async def _send(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, tally: Tally) -> bool:
        """Send a request, and return whether the connection can be used again."""
        kind = self._choice()
        if self._random.random() < LEAVING:
            tally.left += 1
            writer.write(kind.sent[: self._random.choice((len(kind.sent) // 2, len(kind.sent)))])
            await asyncio.sleep(self._random.random() / 2)
            return False
        start, rejected = perf_counter(), tally.rejected
        writer.write(kind.sent)
        try:
            answer = await asyncio.wait_for(answer_to(reader), PATIENCE)
        except TimeoutError:
            tally.failures[f"{kind.name}: no answer in {PATIENCE} s"] += 1
            return False
        tally.add(kind, answer, self._expected[kind.name], perf_counter() - start)
        if tally.rejected > rejected:
            await asyncio.sleep(2 * PAUSE * self._random.random())
        return answer.headers.get("connection", "").lower() != "close"

    def _choice(self) -> Kind:
        kinds = self._malformed if self._random.random() < MALFORMED else self._good
        return self._random.choices(kinds, [kind.weight for kind in kinds])[0]


async def send_all(clients: Sequence[Client], seconds: float) -> Tally:
    """Return what becomes of the requests that the clients send in some seconds."""
    tally = Tally()
    until = perf_counter() + seconds
    await asyncio.gather(*(client.send_until(until, tally) for client in clients))
    return tally


def probe(port: int, seconds: float) -> list[float]:
    """Return how long `/livez` took, in seconds, asked 20 times a second."""
    times: list[float] = []
    until = perf_counter() + seconds
    with Connection(port) as connection:
        while perf_counter() < until:
            start = perf_counter()
            connection.send(get("/livez"))
            answer = connection.receive()
            times.append(perf_counter() - start)
            if answer.status != 200:
                raise ValueError(f"/livez answers {answer.status}")
            sleep(0.05)
    return times


def sequential(port: int, kinds: Sequence[Kind]) -> dict[str, Answer]:
    """Return the answer to each request, sent alone."""
    answers = {}
    with Connection(port) as connection:
        for kind in kinds:
            connection.send(kind.sent)
            answers[kind.name] = connection.receive()
    return answers


@dataclass(frozen=True, slots=True)
class Report:
    """What the load led to: requests, seconds that `/livez` took, and MiB of the service before and afterwards."""

    tally: Tally
    livez: list[float]
    memory: tuple[float, float]


def load(seconds: float, clients: int, *, large: bool = True) -> Report:
    """Start the service, put it under load, and report."""
    kinds = good(large=large), malformed(large=large)
    every = [*kinds[0], *kinds[1]]
    with serving() as (url, pid), ProcessPoolExecutor(1, get_context("spawn")) as processes:
        port = int(url.rpartition(":")[2])
        for _ in range(2):  # the first ones load what is loaded on use
            expected = sequential(port, every)
        before = memory(pid)
        livez = processes.submit(probe, port, seconds)
        senders = [Client(port, number, kinds, expected) for number in range(clients)]
        tally = asyncio.run(send_all(senders, seconds))
        after = sequential(port, every)
        sleep(1)
        report = Report(tally, livez.result(), (before, memory(pid)))
    for kind in every:
        if expected[kind.name].status != kind.status:
            tally.failures[f"{kind.name}: status {expected[kind.name].status} before the load"] += 1
        if (after[kind.name].status, after[kind.name].body) != (kind.status, expected[kind.name].body):
            tally.failures[f"{kind.name}: another answer after the load"] += 1
    return report


def percentiles(times: Sequence[float]) -> tuple[str, str]:
    """Return median and 99th percentile in milliseconds."""
    p99 = quantiles(times, n=100, method="inclusive")[-1] if len(times) > 1 else times[0]
    return figure(1e3 * median(times)), figure(1e3 * p99)


def show(report: Report, title: str) -> None:
    """Print a report."""
    tally, (before, after) = report.tally, report.memory
    rows = [(name, f"{len(times):,}", *percentiles(times)) for name, times in sorted(tally.answered.items())]
    every = [time for times in tally.answered.values() for time in times]
    rows.append(("all answered", f"{len(every):,}", *percentiles(every)))
    rows.append(("GET /livez", f"{len(report.livez):,}", *percentiles(report.livez)))
    section(
        title,
        *table(("request", "answers", "p50, ms", "p99, ms"), *rows),
        "",
        f"{tally.rejected:,} were rejected (503), {tally.left:,} clients left midway. "
        f"Memory of the service: {before:.0f} MiB before, {after:.0f} MiB afterwards ({after - before:+.0f}).",
        "",
        *(f"- FAILED {number} times: {failure}" for failure, number in tally.failures.most_common()),
    )


def main() -> int:
    """Print what the load led to, and return 1 if that is what must not be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    at_once = 8 + (os.cpu_count() or 1)
    parser.add_argument(
        "--clients", type=int, default=8 * at_once, help=f"default: 8 times {at_once} computed or queued"
    )
    asked = parser.parse_args()
    report = load(asked.seconds, asked.clients)
    show(report, f"{asked.clients} clients for {asked.seconds:.0f} seconds")
    return 1 if report.tally.failures else 0


if __name__ == "__main__":
    sys.exit(main())
