"""Tables as CSV (RFC 4180), safe to open in a spreadsheet."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

Cell = str | float | bool | None

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes a cell for, that begins with one of these, runs on the reader's machine."""


def csv_text(columns: Sequence[str], rows: Iterable[Mapping[str, Cell]]) -> str:
    r"""Return a header and a line a row: numbers with all their digits, what a row lacks or is None as an empty cell.

    A text that a spreadsheet would take for a formula has an apostrophe before it.

    Examples
    --------
    >>> csv_text(["group", "time", "event"], [{"group": "=A, B", "time": -1.5, "event": True}, {"group": "C"}])
    'group,time,event\r\n"\'=A, B",-1.5,true\r\nC,,\r\n'
    """
    text = io.StringIO()
    lines = csv.writer(text)
    lines.writerow(columns)
    lines.writerows([_cell(row.get(name)) for name in columns] for row in rows)
    return text.getvalue()


def _cell(value: Cell) -> str | float:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return "'" + value if isinstance(value, str) and value.startswith(FORMULA) else value
