"""Arrow and Parquet bodies as columns of the values that JSON would have; for the extra [arrow]."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from app.api.errors import ProblemError
from app.api.json_text import MAX_MEMBERS, MalformedError, canonical_number
from app.api.packing import (
    FLAGS,
    LABELS,
    MIN_ROWS,
    NUMBERS,
    PackedColumn,
    of_flags,
    of_labels,
    of_numbers,
    one_kind,
)
from app.schemas.subjects import MAX_COUNT

STREAM = "application/vnd.apache.arrow.stream"
FILE = "application/vnd.apache.arrow.file"
PARQUET = "application/vnd.apache.parquet"
ARROW = (STREAM, FILE, PARQUET)

FILE_MAGIC = b"ARROW1\0\0"
"""A file is a stream with this before it, and a table of contents after it, which is not needed."""
DICTIONARY_BATCH, RECORD_BATCH = 2, 3
REFUSED_TYPE = "must be of integers, floating-point numbers, booleans or text"


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a table may be; in a few bytes it can say that it has billions of rows."""

    rows: int
    body_bytes: int

    def check(self, rows: int, columns: int, size: int = 0) -> None:
        """Refuse a table that no body within the limit could hold as CSV, or that is larger once it is decompressed.

        Raises
        ------
        ProblemError
            If there are too many rows, or too much of it all.
        MalformedError
            If there are too many columns.
        """
        if columns > MAX_MEMBERS:
            raise MalformedError(f"has more than {MAX_MEMBERS} columns")
        if rows > self.rows:
            raise ProblemError("too_many_subjects", f"There may be at most {self.rows} rows of subjects.")
        if max(2 * rows * columns, size) > self.body_bytes:
            raise ProblemError("body_too_large", f"Decompressed, a body may have at most {self.body_bytes} bytes.")


def is_installed() -> bool:
    """Return whether the extra is there."""
    return find_spec("pyarrow") is not None


def read_arrow(body: bytes, media_type: str, limits: Limits) -> Any:
    """Return the table of a body, sound in every buffer; its size is checked before it is decompressed.

    Raises
    ------
    MalformedError
        If it is not what its media type says, is compressed Arrow, or has too many columns or two of one name.
    ProblemError
        If it is too large.
    """
    import pyarrow as pa  # noqa: PLC0415 - it is an extra, and takes a while

    try:
        table = _parquet(body, limits) if media_type == PARQUET else _stream(body, media_type, limits)
        limits.check(table.num_rows, table.num_columns)  # whatever was said before
        table.validate(full=True)
    except (pa.ArrowException, OSError, UnicodeDecodeError):
        raise MalformedError("is not what its content type says") from None
    if len({*table.column_names}) < table.num_columns:
        raise MalformedError("has two columns of one name")
    return table


def _stream(body: bytes, media_type: str, limits: Limits) -> Any:
    import pyarrow as pa  # noqa: PLC0415

    if media_type == FILE:
        if not body.startswith(FILE_MAGIC):
            raise MalformedError("is not what its content type says")
        body = body[len(FILE_MAGIC) :]
    columns = len(pa.ipc.open_stream(body).schema)
    limits.check(0, columns)
    rows = 0
    for batch, length in _batches(body):
        rows += length
        limits.check(rows, columns)
        if _field(batch.metadata, batch.position, 3) is not None:
            raise MalformedError("is compressed: send it without, or as Parquet")
    return pa.ipc.open_stream(body).read_all()


@dataclass(frozen=True, slots=True)
class _Batch:
    """The header of a record batch: where it is in the metadata of its message."""

    metadata: bytes
    position: int


def _batches(body: bytes) -> Iterator[tuple[_Batch, int]]:
    """Yield the headers of record batches and dictionaries, each with the rows that it adds (format/Message.fbs)."""
    import pyarrow as pa  # noqa: PLC0415

    for message in pa.ipc.MessageReader.open_stream(body):
        metadata = message.metadata.to_pybytes()
        header = _table(metadata, _field(metadata, _table(metadata, 0), 2))
        if message.type == "dictionary":
            yield _Batch(metadata, _table(metadata, _field(metadata, header, 1))), 0
        elif message.type == "record batch":
            length = _field(metadata, header, 0)
            yield _Batch(metadata, header), 0 if length is None else abs(_integer(metadata, length, 8))


def _field(buffer: bytes, table: int, index: int) -> int | None:
    """Return where the field of a flatbuffer's table is, None where the table lacks it."""
    virtual = table - _integer(buffer, table, 4)
    slot = 4 + 2 * index
    offset = _integer(buffer, virtual + slot, 2) if slot < _integer(buffer, virtual, 2) else 0
    return table + offset if offset else None


def _table(buffer: bytes, position: int | None) -> int:
    """Return where the table is that an offset leads to."""
    if position is None:
        raise MalformedError("is not what its content type says")
    return position + _integer(buffer, position, 4)


def _integer(buffer: bytes, position: int, size: int) -> int:
    return int.from_bytes(buffer[position : position + size], "little", signed=size > 2)


def _parquet(body: bytes, limits: Limits) -> Any:
    from pyarrow import parquet, types  # noqa: PLC0415

    file = parquet.ParquetFile(io.BytesIO(body))
    known, schema = file.metadata, file.schema_arrow
    size = sum(known.row_group(place).total_byte_size for place in range(known.num_row_groups))
    limits.check(known.num_rows, known.num_columns, size)
    texts = [one.name for one in schema if types.is_string(one.type) or types.is_large_string(one.type)]
    return parquet.ParquetFile(io.BytesIO(body), read_dictionary=texts).read(use_threads=False)


def values(column: Any) -> list[Any]:
    """Return the values of a column as JSON has them: whole numbers are integers where doubles count exactly.

    Raises
    ------
    TypeError
        If it holds other things than numbers, booleans and text; dates and decimals, for instance.
    """
    from pyarrow import types  # noqa: PLC0415

    kind = column.type
    if types.is_dictionary(kind):
        return [value for chunk in column.chunks for value in _decoded(chunk)]
    if types.is_floating(kind):
        return [None if value is None else canonical_number(value) for value in column.to_pylist()]
    if types.is_integer(kind):
        found = column.to_pylist()
        return [value if value is None or abs(value) < MAX_COUNT else float(value) for value in found]
    if types.is_boolean(kind) or types.is_null(kind) or types.is_string(kind) or types.is_large_string(kind):
        return list(column.to_pylist())
    raise TypeError(REFUSED_TYPE)


def packed(name: str, column: Any) -> PackedColumn | None:
    """Return a long column of `subjects` packed, with no Python object a value; None where that cannot be."""
    from pyarrow import types  # noqa: PLC0415

    kind, whole = column.type, column.null_count == 0
    if len(column) < MIN_ROWS:
        return None
    if name in NUMBERS and whole and (types.is_floating(kind) or types.is_integer(kind)):
        return of_numbers(column.to_numpy().astype(np.float64, copy=False))
    if name in FLAGS and whole and (types.is_boolean(kind) or types.is_integer(kind)):
        return of_flags(column.to_numpy(), bool if types.is_boolean(kind) else int)
    if name in LABELS and types.is_dictionary(kind) and _is_label(kind.value_type):
        return _labels(column)
    return _labels(column.dictionary_encode()) if name in LABELS and _is_label(kind) else None


def _is_label(kind: Any) -> bool:
    from pyarrow import types  # noqa: PLC0415

    return any(is_it(kind) for is_it in (types.is_string, types.is_large_string, types.is_integer, types.is_boolean))


def _labels(column: Any) -> PackedColumn | None:
    import pyarrow as pa  # noqa: PLC0415

    encoded = pa.chunked_array(column.unify_dictionaries().chunks).combine_chunks()
    levels = [*values(pa.chunked_array([encoded.dictionary])), None]
    if not one_kind(levels):
        return None
    codes = encoded.indices.cast(pa.int64()).fill_null(len(levels) - 1).to_numpy()
    first = np.full(len(levels), codes.size)
    first[codes[::-1]] = np.arange(codes.size)[::-1]  # of several the last stays, which is the first row
    place: dict[Any, int] = {}
    code = np.zeros(len(levels), dtype=np.int32)
    for level in np.argsort(first)[: np.count_nonzero(first < codes.size)]:
        code[level] = place.setdefault(levels[level], len(place))
    return of_labels(list(place), code[codes])


def _decoded(chunk: Any) -> Iterator[Any]:
    import pyarrow as pa  # noqa: PLC0415

    words = values(pa.chunked_array([chunk.dictionary]))
    return (None if place is None else words[place] for place in chunk.indices.to_pylist())
