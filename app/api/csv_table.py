"""A CSV body (RFC 4180) as columns of the values that JSON would have."""

import csv
import io
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from operator import itemgetter

from app.api.json_text import MAX_MEMBERS, MalformedError, number

Value = float | bool | str | None

NUMBER = re.compile(r"[-+]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
"""Without a leading zero, which labels have: 007 is text."""
INTEGER = re.compile(r"0|-?[1-9][0-9]{0,14}")
DECIMAL_COMMA = re.compile(r"[-+]?[0-9]+,[0-9]+(?:[eE][-+]?[0-9]+)?")
QUOTED = re.compile(r'"[^"]*"')
FLAGS = {"true": True, "false": False}
MISSING = {"na", "nan", "n/a", "#n/a", "null", "none", ".", "-"}
"""What other software writes for a missing value: among numbers it is refused, never a level of a factor."""


@dataclass(frozen=True, slots=True)
class CSV:
    """Columns of text by name, all of one length, and what separates cells."""

    columns: dict[str, list[str]]
    delimiter: str


def read_csv(body: bytes) -> CSV:
    r"""Return the columns of a CSV body, whose first line is the header; blanks around cells are no part of them.

    Cells are separated by commas or, where the header has none, by semicolons or else tabs. Empty lines are passed
    over.

    Raises
    ------
    MalformedError
        If it is not UTF-8 or no CSV, or has no header, a column without a name or two of one name, more than 1000
        columns, or a row of another length than the header.

    Examples
    --------
    >>> read_csv(b'time,event\r\n5,1\r\n"8.5", 0\r\n').columns
    {'time': ['5', '8.5'], 'event': ['1', '0']}
    """
    text = _decoded(body)
    delimiter = _delimiter(text)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        rows = [row for row in lines if row]
    except csv.Error:
        raise MalformedError(f"is not CSV at line {lines.line_num}") from None
    names = _header(rows)
    del rows[0]
    for place, row in enumerate(rows):
        if len(row) != len(names):
            raise MalformedError(f"has more or fewer cells than the header in row {place + 1} below it")
    columns = {name: list(map(str.strip, map(itemgetter(place), rows))) for place, name in enumerate(names)}
    return CSV(columns, delimiter)


def _decoded(body: bytes) -> str:
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise MalformedError("is not UTF-8") from None
    if "\0" in text:
        raise MalformedError("has the character NUL")
    return text


def _delimiter(text: str) -> str:
    header = QUOTED.sub("", text.lstrip().partition("\n")[0])
    return next((delimiter for delimiter in ",;\t" if delimiter in header), ",")


def _header(rows: list[list[str]]) -> list[str]:
    if not rows:
        raise MalformedError("has no header")
    if len(rows[0]) > MAX_MEMBERS:
        raise MalformedError(f"has more than {MAX_MEMBERS} columns")
    names = list(map(str.strip, rows[0]))
    if "" in names:
        raise MalformedError("has a column without a name")
    if len({*names}) < len(names):
        raise MalformedError("has two columns of one name")
    return names


def scalars(cells: Sequence[str], delimiter: str = ",") -> list[Value]:
    """Return each cell as the number, true or false that it is; else as text. An empty one is None.

    Examples
    --------
    >>> scalars(["1", ".5", "2.0", "TRUE", "", "007", "1e999"])
    [1, 0.5, 2, True, None, '007', '1e999']
    """
    return _each(cells, lambda known: _scalars(_with_points(known, delimiter)))


def labels(cells: Sequence[str]) -> list[Value]:
    """Return a column of labels: integers if all cells are, booleans if all are true or false; else text.

    Examples
    --------
    >>> labels(["1", "2", ""]), labels(["01", "2"]), labels(["True", "false"])
    ([1, 2, None], ['01', '2'], [True, False])
    """
    return _each(cells, _labels)


def covariates(cells: Sequence[str], delimiter: str = ",") -> list[Value]:
    """Return a column of a covariate: numbers if all cells are, booleans if all are true or false; else text.

    Where some are numbers, and the others what software writes for a missing value, these alone are text: a model
    refuses them, and no number becomes a level of a factor.

    Examples
    --------
    >>> covariates(["1.5", "2", ""]), covariates(["1", "2a"]), covariates(["61", "NA"])
    ([1.5, 2, None], ['1', '2a'], [61, 'NA'])
    """
    return _each(cells, lambda known: _covariates(_with_points(known, delimiter)))


def _each(cells: Sequence[str], typed: Callable[[dict[str, str]], dict[str, Value]]) -> list[Value]:
    # By distinct cells: of a million rows there are mostly few, and the rule for a column needs no others.
    distinct = {*cells}
    missing: dict[str, Value] = {"": None}
    values = missing | typed({cell: cell for cell in distinct - {""}})
    return list(map(values.__getitem__, cells))


def _with_points(known: dict[str, str], delimiter: str) -> dict[str, str]:
    """Return the cells with decimal points for commas, where a semicolon separates and no cell has a point."""
    if delimiter != ";" or any("." in cell for cell in known):
        return known
    return {cell: cell.replace(",", ".") if DECIMAL_COMMA.fullmatch(cell) else cell for cell in known}


def _scalars(known: dict[str, str]) -> dict[str, Value]:
    return {cell: _scalar(text) for cell, text in known.items()}


def _scalar(text: str) -> Value:
    if not NUMBER.fullmatch(text):
        return FLAGS.get(text.lower(), text)
    try:
        return number(text)
    except MalformedError:
        return text


def _labels(known: dict[str, str]) -> dict[str, Value]:
    if all(map(INTEGER.fullmatch, known)):
        return {cell: int(cell) for cell in known}
    return _flags_or_text(known)


def _covariates(known: dict[str, str]) -> dict[str, Value]:
    values = _scalars(known)
    others = {cell.lower() for cell, value in values.items() if isinstance(value, str | bool)}
    return values if others <= MISSING and len(others) < len(values) else _flags_or_text(known)


def _flags_or_text(known: Collection[str]) -> dict[str, Value]:
    if all(cell.lower() in FLAGS for cell in known):
        return {cell: FLAGS[cell.lower()] for cell in known}
    return {cell: cell for cell in known}
