"""Tables as Arrow and Parquet bodies."""

import io
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from app.api.arrow_table import PARQUET, STREAM


def written(table: pa.Table, media_type: str, **options: Any) -> bytes:
    """Return a table as a body."""
    file = io.BytesIO()
    if media_type == PARQUET:
        parquet.write_table(table, file, **options)
        return file.getvalue()
    new = pa.ipc.new_stream if media_type == STREAM else pa.ipc.new_file
    with new(file, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table, max_chunksize=2)
    return file.getvalue()
