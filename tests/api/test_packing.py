"""Packed columns: what a table's columns become without lists, they are with them."""

import io
import random
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from app.api import arrow_table, packing
from app.api.arrow_table import STREAM, Limits
from app.api.body import accepted
from app.api.errors import ProblemError
from app.api.json_text import Digest, canonical_sha256
from app.api.negotiation import CSV
from app.api.tables import Sent, fields_of, read_request
from app.schemas.competing_risks import CompetingRisksRequest
from app.schemas.survival_request import SurvivalRequest

MODEL: TypeAdapter[Any] = TypeAdapter(CompetingRisksRequest)
WEIGHTED: TypeAdapter[Any] = TypeAdapter(SurvivalRequest)
ROWS = packing.MIN_ROWS
LABELS = ["b", "a", "c:", '"\\', "\u00e9\U0001f600"]


def streamed(columns: dict[str, Any], chunk: int = 400) -> bytes:
    table, file = pa.table(columns), io.BytesIO()
    with pa.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table, max_chunksize=chunk)
    return file.getvalue()


def read(body: bytes, media_type: str = STREAM, model: Any = CompetingRisksRequest) -> Any:
    sent, adapter = Sent(media_type, Limits(10**6, 10**8)), TypeAdapter(model)
    try:
        return read_request(body, model=adapter, fields=fields_of(model), table=sent, options=None, parameter=None)
    except ProblemError as error:
        return error.code, list(error.faults), error.faults_total


def sample(rows: int = ROWS) -> dict[str, Any]:
    draw = random.Random(1)  # noqa: S311 - any sample will do
    return {
        "time": [draw.choice([2.5, 1e-6, 3e-7, 7.0, 1e15, draw.random()]) for _ in range(rows)],
        "cause": [draw.choice([None, "x", "y"]) for _ in range(rows)],
        "group": [draw.choice(LABELS) for _ in range(rows)],
    }


@pytest.mark.parametrize(
    "column",
    [
        {},
        {"time": pa.array(range(1, ROWS + 1), pa.int32())},
        {"time": pa.array([2.5] * ROWS, pa.float32())},
        {"time": pa.array([2.5] * (ROWS - 1) + [None])},
        {"time": pa.array([2.5] * (ROWS - 1) + [float("nan")])},
        {"time": pa.array([2.5] * (ROWS - 1) + [-1.0])},
        {"time": pa.array([2**53 + 1] * ROWS)},
        {"group": pa.array(["a", "b"] * (ROWS // 2)).dictionary_encode()},
        {"group": pa.DictionaryArray.from_arrays([2, 0, 1, 2] * (ROWS // 4), ["never", "b", "b"])},
        {"group": pa.DictionaryArray.from_arrays([1, 0] * (ROWS // 2), ["b", None])},
        {"group": pa.DictionaryArray.from_arrays([1, 0] * (ROWS // 2), [1.5, 2.5])},
        {"group": pa.array(["a", None] * (ROWS // 2))},
        {"group": pa.array([3, 1] * (ROWS // 2))},
        {"group": pa.array([2**53, 1] * (ROWS // 2))},
        {"group": pa.array([True, False] * (ROWS // 2))},
        {"group": pa.array([1.0, 2.0] * (ROWS // 2))},
        {"group": pa.nulls(ROWS)},
        {"group": pa.array([[1]] * ROWS)},
        {"group": pa.array([date(2020, 1, 1)] * ROWS)},
        {"group": pa.array([date(2020, 1, 1)] * ROWS).dictionary_encode()},
        {"group": pa.array([Decimal("1.5")] * ROWS)},
        {"time": pa.array([[1]] * ROWS)},
        {"group": pa.array([f"{place}" for place in range(ROWS)])},
        {"cluster": pa.array([f"cluster {place}" for place in range(ROWS)])},
        {"group": pa.array(["long " * 30, "short"] * (ROWS // 2), pa.large_string())},
        {"cause": pa.array([1, None, 2, 2] * (ROWS // 4))},
        {"weight": pa.array([1.0, 2.5] * (ROWS // 2))},
    ],
    ids=lambda column: f"{next(iter(column), '')} {getattr(next(iter(column.values()), ''), 'type', '')}",
)
def test_of_arrow(column: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the chunks: the request and the digest, or the faults, are those of the same columns as lists."""
    columns = sample() | column
    packed = [read(streamed(columns, chunk)) for chunk in (ROWS, 400)]
    monkeypatch.setattr(arrow_table, "packed", lambda name, column: None)
    monkeypatch.setattr(packing, "MIN_ROWS", 10**9)
    assert packed == 2 * [read(streamed(columns))]


@pytest.mark.parametrize("kind", [pa.bool_(), pa.int8(), pa.uint64(), pa.float64()])
@pytest.mark.parametrize("last", [1, 2])
def test_of_flags(kind: Any, last: int, monkeypatch: pytest.MonkeyPatch) -> None:
    columns = {"time": [2.5] * ROWS, "event": pa.array([0, 1] * (ROWS // 2 - 1) + [0, last]).cast(kind)}
    packed = read(streamed(columns), model=SurvivalRequest)
    monkeypatch.setattr(arrow_table, "packed", lambda name, column: None)
    monkeypatch.setattr(packing, "MIN_ROWS", 10**9)
    assert packed == read(streamed(columns), model=SurvivalRequest)


def test_a_sound_table_is_packed_with_no_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrow_table, "values", lambda column: [*LABELS, "x", "y"][: len(column)])
    (request, _), rows = read(streamed({"time": [2.5] * ROWS, "cause": ["b"] * ROWS})), [2.5] * ROWS
    assert [*request.subjects.time] == rows


def test_of_csv(monkeypatch: pytest.MonkeyPatch) -> None:
    columns = {"time": [1, 2.5] * ROWS, "event": [1, 0] * ROWS, "group": ["a", "b"] * ROWS}
    lines = [",".join(map(str, row)) for row in zip(*columns.values(), strict=True)]
    body = "\n".join([",".join(columns), *lines]).encode()
    packed = read(body, CSV, SurvivalRequest)
    monkeypatch.setattr(packing, "MIN_ROWS", 10**9)
    assert packed == read(body, CSV, SurvivalRequest)


NUMBERS = st.floats(0, 1e17) | st.sampled_from(
    [0.0, -0.0, 1e-5, 9e-6, 1e-6, 1e-7, 5e-324, 2.0**53, 1e16, 1e21, 1.5e300]
)


@settings(deadline=None, max_examples=200)
@given(
    st.lists(NUMBERS, min_size=1, max_size=6), st.lists(st.sampled_from([*LABELS, "c" * 70]), min_size=1, max_size=6)
)
def test_the_canonical_json_is_that_of_the_lists(numbers: list[float], labels: list[str]) -> None:
    value = {"subjects": {"time": numbers, "group": labels, "event": [True, False], "a": 1}, "curve": "none"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packing, "MIN_ROWS", 1)
        patch.setattr(packing, "CHUNK", 2)
        packed: Any = packing.packed(value)
        assert isinstance(packed["subjects"]["time"], packing.PackedColumn)
        assert Digest.of(packing.canonical_pieces(packed)).sha256 == canonical_sha256(value)


def test_what_is_wrong_with_packed_columns_is_found() -> None:
    """By their extremes and their levels."""
    sound = {"time": [2.5] * ROWS, "event": [1] * ROWS, "group": ["a"] * ROWS}
    wrong = (
        {"time": [2.5, -1.0]},
        {"time": [1e16, 1]},
        {"group": ["a", ""]},
        {"group": [2**53, 1]},
        {"weight": [1, 0]},
    )
    accepted(packing.packed({"subjects": sound}), WEIGHTED, large=True)
    for pair in wrong:
        columns = {name: [column[0]] * (ROWS - 1) + [column[1]] for name, column in pair.items()}
        with pytest.raises(ValueError, match="validation error"):
            accepted(packing.packed({"subjects": sound | columns}), WEIGHTED, large=True)
