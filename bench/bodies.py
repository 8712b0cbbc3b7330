"""Reading bodies beside validating them and doing nothing: ratios of one run, and memory; needs Linux.

`python -m bench.bodies`: time is that of parsing, validation and digest, with no transport; memory is the largest of
a process of its own that reads one body from a file, beyond what it has before it does.
"""

import io
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import TypeAdapter

from app.api.arrow_table import STREAM, Limits
from app.api.body import validated
from app.api.errors import ProblemError
from app.api.tables import Sent, fields_of, read_request
from app.schemas.outcomes import OutcomesRequest
from app.schemas.survival_request import SurvivalRequest
from bench.server import ROOT, largest_memory

MIB = 2**20
LIMIT = 64 * MIB
SURVIVAL: TypeAdapter[Any] = TypeAdapter(SurvivalRequest)
OUTCOMES: TypeAdapter[Any] = TypeAdapter(OutcomesRequest)


def columns(rows: int) -> dict[str, Any]:
    """Return follow-up in days of full precision, events, and three groups."""
    draw = np.random.default_rng(1)
    groups = draw.choice(np.array(["A", "B", "C"]), rows)
    return {"time": draw.exponential(300, rows), "event": draw.integers(0, 2, rows), "group": groups}


def as_json(rows: int) -> bytes:
    """Return the columns in a JSON request."""
    return json.dumps({"subjects": {name: column.tolist() for name, column in columns(rows).items()}}).encode()


def as_arrow(rows: int, **more: Any) -> bytes:
    """Return the columns, and `more`, in an Arrow stream."""
    table, file = pa.table(columns(rows) | more), io.BytesIO()
    with pa.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table)
    return file.getvalue()


def event_table(rows: int) -> bytes:
    """Return the columns with frequencies in an Arrow stream."""
    return as_arrow(rows, weight=np.random.default_rng(2).integers(1, 100, rows))


def read_json(body: bytes, model: TypeAdapter[Any] = SURVIVAL) -> tuple[Any, str]:
    """Read a JSON body as its route does."""
    return validated(body, model)


def read_arrow(body: bytes) -> tuple[Any, str]:
    """Read an Arrow stream as its route does, whatever its size."""
    sent = Sent(STREAM, Limits(10**9, 2**40))
    return read_request(
        body, model=SURVIVAL, fields=fields_of(SurvivalRequest), table=sent, options=None, parameter=None
    )


def repeated(text: bytes) -> bytes:
    """Return a JSON array of as many of these as a body of the default limit has room for."""
    return b"[" + (LIMIT // (len(text) + 1) - 1) * (text + b",") + text + b"]"


MEMORY: dict[str, tuple[Callable[[], bytes], Callable[[bytes], object]]] = {
    "1e6 rows, JSON columns": (partial(as_json, 10**6), read_json),
    "1e6 rows, Arrow": (partial(as_arrow, 10**6), read_arrow),
    "1e7 rows, Arrow": (partial(as_arrow, 10**7), read_arrow),
    "1e7 rows, Arrow, weights": (partial(event_table, 10**7), read_arrow),
    "hostile: []": (partial(repeated, b"[]"), read_json),
    'hostile: {"a":1}': (partial(repeated, b'{"a":1}'), read_json),
    'hostile: {"a":[{"b":1,..}]}': (partial(repeated, b'{"a":[' + b'{"b":1},' * 3 + b'"long enough"]}'), read_json),
    "hostile: wrong items": (lambda: b'{"subjects":{"time":' + repeated(b'"x"') + b',"event":[1]}}', read_json),
}


def child(name: str, path: str) -> None:
    """Print the memory that reading a body needs, and the seconds."""
    _, read = MEMORY[name]
    validated((ROOT / "examples" / "survival_request.json").read_bytes(), SURVIVAL)
    before, start = largest_memory(), time.perf_counter()
    body = Path(path).read_bytes()
    try:
        read(body)
        outcome = "read"
    except ProblemError as error:
        outcome = error.code
    seconds, more = time.perf_counter() - start, largest_memory() - before
    print(
        f"{name:<30}{len(body) / MIB:>7.1f} MiB{more:>8.0f} MiB{more * MIB / len(body):>6.1f} x"
        f"{largest_memory():>8.0f} MiB{seconds:>7.2f} s  {outcome}"
    )


def print_memory() -> None:
    """Print a line a body, each of a process of its own."""
    print(f"{'':<30}{'body':>11}{'memory':>12}{'':>8}{'in all':>12}")
    for name, (make, _) in MEMORY.items():
        with tempfile.NamedTemporaryFile() as file:
            file.write(make())
            file.flush()
            subprocess.run([sys.executable, "-m", "bench.bodies", name, file.name], cwd=ROOT, check=True)


def best(calls: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Return the best time of each call, in turns, so that all of them have the same quiet moments."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - start)
    return {name: min(found) for name, found in times.items()}


def print_ratios(title: str, calls: dict[str, Callable[[], object]], repeats: int) -> None:
    """Print a line a call, beside the first."""
    print(title)
    taken = best(calls, repeats)
    for name, seconds in taken.items():
        print(f"  {name:<34}{seconds * 1e3:>10.3f} ms{seconds / next(iter(taken.values())):>8.2f}")


def small() -> bytes:
    """Return a request of 26 rows."""
    draw = random.Random(1)  # noqa: S311 - any sample will do
    times = [round(draw.expovariate(0.1), 1) for _ in range(26)]
    events, groups = [draw.randint(0, 1) for _ in times], [draw.choice("AB") for _ in times]
    return json.dumps({"subjects": {"time": times, "event": events, "group": groups}}).encode()


def main() -> None:
    """Print ratios, then memory; or the memory of one body."""
    if len(sys.argv) > 1:
        child(*sys.argv[1:])
        return
    text, table = as_json(10**6), as_arrow(10**6)
    lists = {name: column.tolist() for name, column in columns(10**6).items()}
    print_ratios(
        f"1,000,000 rows: {len(text) / 1e6:.1f} MB of JSON, {len(table) / 1e6:.1f} MB of Arrow",
        {
            "validate_json": lambda: SURVIVAL.validate_json(text, strict=True),
            "validate_python of lists": lambda: SURVIVAL.validate_python({"subjects": lists}, strict=True),
            "JSON read": lambda: read_json(text),
            "Arrow read": lambda: read_arrow(table),
        },
        5,
    )
    bale = (ROOT / "examples" / "bale2018.json").read_bytes()
    for title, body, model in (("26 rows", small(), SURVIVAL), ("bale2018.json", bale, OUTCOMES)):
        calls: dict[str, Callable[[], object]] = {
            "validate_json": partial(model.validate_json, body, strict=True),
            "read": partial(read_json, body, model),
        }
        print_ratios(title, calls, 500)
    print_memory()


if __name__ == "__main__":
    main()
