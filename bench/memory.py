"""Memory of one process of the service, by request: `python -m bench.memory`; needs Linux.

Each line has a service of its own with two worker processes, whose memory is looked at all the time while it answers
requests of one kind; what its processes share counts once. What a request needs beyond that of an idle service, by byte
of its body, is what a body limit has to be multiplied with.
"""

import json
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from typing import Any

import httpx

from bench.server import ROOT, memory, serving, watching

MIB = 2**20
Json = dict[str, Any]
EXAMPLE = json.loads((ROOT / "examples" / "bale2018.json").read_text("utf-8"))


def follow_up(rows: int, digits: int = 2) -> Json:
    """Return times to so many digits of a month, and events."""
    draw = random.Random(1)  # noqa: S311 - any sample will do
    times = [round(draw.expovariate(0.02), digits) for _ in range(rows)]
    return {"time": times, "event": [draw.random() < 0.6 for _ in range(rows)]}


def groups(rows: int, digits: int = 2) -> bytes:
    """Return a request for the survival of three groups, and for curves as fine as a plot shows."""
    columns = follow_up(rows, digits) | {"group": [*islice(cycle("abc"), rows)]}
    return json.dumps({"subjects": columns, "curve": {"max_points": 500}}).encode()


def full_curves(rows: int) -> bytes:
    """Return the same for times that are all distinct, and for every point of the curves."""
    return groups(rows, 15).replace(b'{"max_points": 500}', b'"full"')


def regression(rows: int) -> bytes:
    """Return a request for a Cox model of two covariates."""
    covariates = {"age": [*islice(cycle(range(40, 90)), rows)], "sex": [*islice(cycle("ffm"), rows)]}
    return json.dumps({"subjects": follow_up(rows) | {"covariates": covariates}, "curve": "none"}).encode()


def cohort(patients: int) -> bytes:
    """Return the founding paper's cohort, over and over."""
    known = EXAMPLE["cohort"]["patients"]
    several = [known[place % len(known)] | {"id": f"P{place}"} for place in range(patients)]
    return json.dumps(EXAMPLE | {"cohort": EXAMPLE["cohort"] | {"patients": several}}).encode()


TWO_PROCESSES = {"ATRISK_COMPUTING_PROCESSES": "2", "ATRISK_MAX_ANSWER_SECONDS": "600"}
SVG = {"Accept": "image/svg+xml"}
KINDS: tuple[tuple[str, str, Callable[[int], bytes], int, dict[str, str]], ...] = (
    ("figure", "/v1/survival", groups, 1_000, SVG),
    ("survival", "/v1/survival", groups, 100_000, {}),
    ("survival", "/v1/survival", groups, 1_000_000, {}),
    ("full curves", "/v1/survival", full_curves, 100_000, {}),
    ("full curves", "/v1/survival", full_curves, 400_000, {}),
    ("Cox model", "/v1/regression/cox", regression, 100_000, {}),
    ("outcomes", "/v1/outcomes", cohort, 1_000, {}),
    ("outcomes", "/v1/outcomes", cohort, 10_000, {}),
)


def measure(path: str, body: bytes, headers: dict[str, str], at_once: int) -> float:
    """Return the largest memory of a service that has answered a request so many times at once, twice."""
    headers = {"Content-Type": "application/json"} | headers
    with serving(**TWO_PROCESSES) as server, httpx.Client(timeout=600) as client, ThreadPoolExecutor(at_once) as pool:

        def post(_: int) -> None:
            response = client.post(
                server.url + path, content=body, headers={"Content-Type": "application/json"} | headers
            )
            response.raise_for_status()

        with watching(server.pid) as seen:
            for _ in range(2):
                list(pool.map(post, range(at_once)))
        return max(seen)


def main() -> None:
    """Print a line a kind."""
    with serving(**TWO_PROCESSES) as server:
        idle = memory(server.pid)
    print(f"idle: {idle:.0f} MiB")
    print(f"{'':<12}{'rows':>10}{'body':>10}{'one':>10}{'two at once':>14}{'per byte of body':>18}")
    for name, path, make, rows, headers in KINDS:
        body = make(rows)
        one, two = (measure(path, body, headers, at_once) for at_once in (1, 2))
        ratio = (one - idle) * MIB / len(body)
        print(f"{name:<12}{rows:>10}{len(body) / MIB:>6.1f} MiB{one:>6.0f} MiB{two:>10.0f} MiB{ratio:>18.1f}")


if __name__ == "__main__":
    main()
