"""CSV as RFC 4180 has it, and as spreadsheets read it."""

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.rendering.csv_writer import FORMULA, Cell, csv_text


def test_a_table_by_hand() -> None:
    rows: list[dict[str, Cell]] = [
        {"label": "a", "value": 0.1 + 0.2, "more": 1},
        {"value": None},
        {"label": "x,y\n", "value": False},
    ]
    assert csv_text(["label", "value"], rows) == 'label,value\r\na,0.30000000000000004\r\n,\r\n"x,y\n",false\r\n'


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_text_is_a_formula(text: str) -> None:
    (_, (cell,)) = csv.reader(io.StringIO(csv_text(["a"], [{"a": text}]), newline=""))
    assert cell == "'" + text


@pytest.mark.parametrize(
    ("number", "cell"), [(-1, "-1"), (-1.5, "-1.5"), (1e-300, "1e-300"), (2**53, "9007199254740992")]
)
def test_numbers_are_left_alone(number: float, cell: str) -> None:
    assert csv_text(["a"], [{"a": number}]) == f"a\r\n{cell}\r\n"


@settings(deadline=None)
@given(st.lists(st.tuples(st.text(max_size=5), st.floats(allow_nan=False, allow_infinity=False)), max_size=4))
def test_what_is_written_is_read(rows: list[tuple[str, float]]) -> None:
    """But for the apostrophe; and every number is read to its last bit."""
    text = csv_text(["label", "value"], [{"label": label, "value": value} for label, value in rows])
    header, *read = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert header == ["label", "value"]
    assert [(label, float(value)) for label, value in read] == [
        ("'" + label if label.startswith(FORMULA) else label, value) for label, value in rows
    ]
