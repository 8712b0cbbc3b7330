"""Memory of one process of the service, by request: `python -m bench.memory`; needs Linux.

Each line has a service of its own with two worker processes, whose memory is looked at all the time while it answers
requests of one kind; what its processes share counts once. What a request needs beyond that of an idle service, by byte
of its body, is what a body limit has to be multiplied with.
"""

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import cycle, islice
from pathlib import Path
from threading import Event, Thread
from typing import Any

import httpx

from examples.demo import free_port, wait_until_ready

MIB = 2**20
Json = dict[str, Any]
ROOT = Path(__file__).resolve().parent.parent
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


@contextmanager
def serving() -> Iterator[tuple[str, int]]:
    """Serve as the image does, and yield the address and the process."""
    port = free_port()
    options = ("--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning")
    command = [sys.executable, "-m", "uvicorn", "app.main:app", "--port", str(port), *options]
    settings = {"ATRISK_COMPUTING_PROCESSES": "2", "ATRISK_MAX_ANSWER_SECONDS": "600"}
    environment = os.environ | settings  # noqa: TID251 - for another process
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    try:
        wait_until_ready(f"http://127.0.0.1:{port}", process)
        yield f"http://127.0.0.1:{port}", process.pid
    finally:
        process.terminate()
        process.wait(timeout=30)


def memory(pid: int) -> float:
    """Return the memory of a process and of those that it has started, in MiB; what several share counts once."""
    proc = Path(f"/proc/{pid}")
    lines = (proc / "smaps_rollup").read_text("ascii").splitlines()
    (shared_out,) = (line.split()[1] for line in lines if line.startswith("Pss:"))
    children = [child for task in (proc / "task").iterdir() for child in (task / "children").read_text().split()]
    return int(shared_out) / 1024 + sum(memory(int(child)) for child in children)


@contextmanager
def watching(pid: int) -> Iterator[list[float]]:
    """Look at the memory of a service in a thread; the list has what was seen."""
    seen, ended = [memory(pid)], Event()

    def watch() -> None:
        while not ended.wait(0.02):
            seen.append(memory(pid))

    thread = Thread(target=watch)
    thread.start()
    yield seen
    ended.set()
    thread.join()


def measure(path: str, body: bytes, headers: dict[str, str], at_once: int) -> float:
    """Return the largest memory of a service that has answered a request so many times at once, twice."""
    with serving() as (url, pid), httpx.Client(timeout=600) as client, ThreadPoolExecutor(at_once) as pool:

        def post(_: int) -> None:
            response = client.post(url + path, content=body, headers={"Content-Type": "application/json"} | headers)
            response.raise_for_status()

        with watching(pid) as seen:
            for _ in range(2):
                list(pool.map(post, range(at_once)))
        return max(seen)


def main() -> None:
    """Print a line a kind."""
    with serving() as (_, pid):
        idle = memory(pid)
    print(f"idle: {idle:.0f} MiB")
    print(f"{'':<12}{'rows':>10}{'body':>10}{'one':>10}{'two at once':>14}{'per byte of body':>18}")
    for name, path, make, rows, headers in KINDS:
        body = make(rows)
        one, two = (measure(path, body, headers, at_once) for at_once in (1, 2))
        ratio = (one - idle) * MIB / len(body)
        print(f"{name:<12}{rows:>10}{len(body) / MIB:>6.1f} MiB{one:>6.0f} MiB{two:>10.0f} MiB{ratio:>18.1f}")


if __name__ == "__main__":
    main()
