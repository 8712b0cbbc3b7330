"""Reading 1,000,000 rows as a table beside reading them as JSON columns: ratios of one run.

`python -m bench.tables [--quick]`: parsing, validation and digest of time, event, group; no estimation, no transport.
"""

import csv
import io
import json
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet
from pydantic import TypeAdapter

from app.api.arrow_table import PARQUET, STREAM, Limits
from app.api.body import validated
from app.api.negotiation import CSV
from app.api.tables import Sent, fields_of, read_request
from app.schemas.survival_request import SurvivalRequest
from bench.markdown import figure, section, table
from bench.timing import seconds

MODEL: TypeAdapter[Any] = TypeAdapter(SurvivalRequest)
LIMITS = Limits(2_000_000, 2**26)


def columns(rows: int, *, decimal: bool) -> dict[str, list[Any]]:
    """Return follow-up in whole days, or in months with all digits; events and three groups."""
    random = np.random.default_rng(1)
    times = random.integers(1, 3000, rows) if decimal else random.exponential(10, rows)
    groups = random.choice(np.array(["A", "B", "C"]), rows)
    return {"time": times.tolist(), "event": random.integers(0, 2, rows).tolist(), "group": groups.tolist()}


def bodies(subjects: dict[str, list[Any]]) -> dict[str, bytes]:
    """Return the same subjects as JSON, CSV, an Arrow stream and Parquet."""
    text, stream, file = io.StringIO(), io.BytesIO(), io.BytesIO()
    csv.writer(text).writerows([subjects, *zip(*subjects.values(), strict=True)])
    table = pa.table(subjects)
    with pa.ipc.new_stream(stream, table.schema) as writer:
        writer.write_table(table)
    parquet.write_table(table, file)
    written = {CSV: text.getvalue().encode(), STREAM: stream.getvalue(), PARQUET: file.getvalue()}
    return {"application/json": json.dumps({"subjects": subjects}).encode()} | written


def reader(media_type: str) -> Callable[[bytes], tuple[Any, str]]:
    """Return what reads a body of a media type."""
    if media_type == "application/json":
        return partial(validated, model=MODEL)
    fields, sent = fields_of(SurvivalRequest), Sent(media_type, LIMITS)
    return partial(read_request, model=MODEL, fields=fields, table=sent, options=None, parameter=None)


def main(rows: int) -> None:
    """Print a line a body."""
    shown = [("times", "body", "MB", "ms", "it : JSON")]
    for name, decimal in (("whole days", True), ("all digits", False)):
        sent = bodies(columns(rows, decimal=decimal))
        measured = {media_type: seconds(partial(reader(media_type), body)) for media_type, body in sent.items()}
        for media_type, taken in measured.items():
            ratio = taken / measured["application/json"]
            shown.append((name, media_type, figure(len(sent[media_type]) / 1e6), figure(1e3 * taken), figure(ratio)))
    section(f"Reading a body of {rows:,} rows", *table(*shown))


if __name__ == "__main__":
    main(10_000 if "--quick" in sys.argv else 1_000_000)
