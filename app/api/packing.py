"""Long columns of a request, packed for the model that checks them, with their canonical JSON.

This only saves time: a column that is not plainly sound stays the list that it is, whose faults the model tells.
"""

from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import NoneType
from typing import Any

import numpy as np
import orjson

from app.analysis.arrays import FloatArray, IntArray
from app.api.json_text import canonical_json, canonical_numbers, utf_16
from app.schemas.columns import Coded, Packed

NUMBERS = {"time", "entry", "weight"}
FLAGS = {"event", "success", "terminal"}
LABELS = {"group", "stratum", "cluster", "cause"}

MIN_ROWS = 1_000
"""Shorter columns are checked as quickly as they are."""
CHUNK = 2**16
"""Rows whose text is written at a time."""
TABLED = 1_000
"""Labels whose texts are kept at hand."""
WIDTH = 64
"""Bytes of a text that is kept at hand."""


@dataclass(frozen=True, slots=True)
class PackedColumn(Packed):
    """A packed column, and what writes its canonical JSON in pieces."""

    text: Callable[[], Iterator[bytes]]

    def __len__(self) -> int:
        return len(self.column)


def packed(request: object) -> object:
    """Return a parsed request whose long columns of subjects are packed where they can be."""
    if not (isinstance(request, dict) and isinstance(request.get("subjects"), dict)):
        return request
    subjects = {name: packed_list(name, column) for name, column in request["subjects"].items()}
    return request | {"subjects": subjects}


def packed_list(name: str, column: Any) -> Any:
    """Return a column of `subjects` packed, or as it is where it is short or its items are not all of one kind."""
    if not isinstance(column, list) or len(column) < MIN_ROWS:
        return column
    if name in NUMBERS and {*map(type, column)} <= {int, float}:
        return of_numbers(np.fromiter(column, np.float64, len(column)))
    if name in FLAGS and {*map(type, column)} in ({int}, {bool}):
        return of_flags(np.frombuffer(bytes(column), np.uint8), type(column[0])) or column
    return _packed_labels(column) if name in LABELS else column


def _packed_labels(column: list[Any]) -> Any:
    place = {label: code for code, label in enumerate(dict.fromkeys(column))}
    levels = list(place)
    if not one_kind(levels if str in map(type, levels) else column):  # to a dictionary True is 1
        return column
    return of_labels(levels, np.fromiter(map(place.__getitem__, column), np.int32, len(column)))


def one_kind(labels: list[Any]) -> bool:
    """Return whether labels are all strings, all integers or all booleans, but for those that are None."""
    kinds = {*map(type, labels)} - {NoneType}
    return len(kinds) == 1 and kinds <= {str, int, bool}


def of_numbers(values: FloatArray) -> PackedColumn:
    """Return a column of numbers, not empty."""
    limits = [float(values.min()), float(values.max())]
    return PackedColumn(_array("d", values), limits, lambda: _listed(map(_number_text, _chunks(values))))


def of_flags(values: IntArray, sent_as: type) -> PackedColumn | None:
    """Return a column of 0 and 1, sent as integers or booleans, not empty; None where it has others."""
    if values.min() < 0 or values.max() > 1:
        return None
    codes = values.astype(np.int8)
    return PackedColumn(_array("b", codes), *_coded([sent_as(0), sent_as(1)], codes))


def of_labels(levels: list[Any], codes: IntArray) -> PackedColumn:
    """Return a column of labels, not empty: the distinct ones as they first appear, and the place of each row's."""
    return PackedColumn(Coded(levels, _array("i", codes)), *_coded(levels, codes))


def _array(typecode: str, values: FloatArray | IntArray) -> "array[Any]":
    packed_values = array(typecode)
    packed_values.frombytes(np.ascontiguousarray(values, dtype=typecode).data.cast("B"))
    return packed_values


def _coded(levels: list[Any], codes: IntArray) -> tuple[list[Any], Callable[[], Iterator[bytes]]]:
    return levels, lambda: _listed(_label_texts(levels, codes))


def canonical_pieces(request: Any) -> Iterator[bytes]:
    """Yield the canonical JSON (RFC 8785) of a request, some columns of which may be packed, in pieces.

    Examples
    --------
    >>> b"".join(canonical_pieces({"subjects": {"time": of_numbers(np.array([2.5, 5.0]))}, "curve": "none"}))
    b'{"curve":"none","subjects":{"time":[2.5,5]}}'
    """
    if isinstance(request, PackedColumn):
        yield from request.text()
    elif _has_columns(request):
        yield from _object(request)
    else:
        yield canonical_json(request)


def _has_columns(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_columns, value.values()))
    return isinstance(value, PackedColumn)


def _object(members: dict[str, Any]) -> Iterator[bytes]:
    separator = b"{"
    for name in sorted(members, key=utf_16):
        yield separator + canonical_json(name) + b":"
        yield from canonical_pieces(members[name])
        separator = b","
    yield b"}"


def _listed(items: Iterable[bytes]) -> Iterator[bytes]:
    """Yield an array of items that come as texts of several, with commas between them."""
    separator = b"["
    for several in items:
        yield separator
        yield several
        separator = b","
    yield b"]"


def _chunks(values: Any) -> Iterator[Any]:
    return (values[start : start + CHUNK] for start in range(0, len(values), CHUNK))


def _number_text(values: FloatArray) -> bytes:
    size, whole = np.abs(values), np.floor(values) == values
    if whole.all() and size.max() < 2**53:
        return _dumped(values.astype(np.int64))
    text = _dumped(values + 0.0)  # + 0.0 makes -0.0 a zero like any other
    if size.max() >= 1e16 or ((size > 0) & (size < 1e-5)).any():
        return canonical_numbers(text)
    return (text + b",").replace(b".0,", b",")[:-1] if whole.any() else text


def _dumped(values: FloatArray | IntArray) -> bytes:
    return orjson.dumps(values, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1]


def _label_texts(levels: list[Any], codes: IntArray) -> Iterator[bytes]:
    texts = [canonical_json(level) + b"," for level in levels[:TABLED]]
    if len(levels) > TABLED or max(map(len, texts)) > WIDTH:
        return (canonical_json([levels[code] for code in chunk.tolist()])[1:-1] for chunk in _chunks(codes))
    table = np.array(texts)  # padded with NUL, which no JSON text has
    padded = len({*map(len, texts)}) > 1
    written = (table.take(chunk).tobytes() for chunk in _chunks(codes))
    return ((text.translate(None, b"\0") if padded else text)[:-1] for text in written)
