"""The request about recurrences: defaults, options, and what is refused, where and in which words."""

from typing import Any

import pytest

from app.schemas.recurrences import RecurrencesRequest
from tests.requests import as_rows, asking

Json = dict[str, Any]
KIND = "must be of the same kind as the first"
FLAG = "must be true, false, 1 or 0"
CONSTANT = "must be the same in all rows of an id"
CLOSED, AFTER = "must not close an id that another row closes", "must not be after the row that closes its id"
OVERLAP = "must not be before the end of another row of its id"


def subjects(*, by_row: bool = False, **columns: list[Any]) -> Any:
    """Return rows of the subjects A, A, A and B as they are sent, in either form."""
    sent: Json = {"id": ["A", "A", "A", "B"], "time": [3, 5, 9, 4], "event": [1, 1, 0, 0], **columns}
    return as_rows(sent) if by_row else sent


parsed, faults = asking(RecurrencesRequest, subjects=subjects())


def test_defaults() -> None:
    assert parsed().model_dump(exclude={"subjects", "weight_kind"}) == {
        "time_unit": "months",
        "convention": "r",
        "confidence_level": 0.95,
        "confidence_type": "log-log",
        "count_confidence_type": "log",
        "per": 1,
        "landmarks": [],
        "curve": "full",
        "group_order": None,
    }


def test_everything_may_be_asked_for() -> None:
    asked: Json = {
        "time_unit": "days",
        "convention": "sas",
        "confidence_level": 0.9,
        "confidence_type": "log",
        "count_confidence_type": "plain",
        "per": 365.25,
        "landmarks": [12, 1],
        "curve": {"max_points": 2},
        "group_order": ["y", "x"],
    }
    request = parsed(**asked, subjects=subjects(group=["x", "x", "x", "y"], cluster=[1, 1, 1, 1]))
    assert request.model_dump(exclude={"subjects", "weight_kind"}) == asked


def test_rows_are_made_columns() -> None:
    columns: Json = {"terminal": [0, 0, 1, 0], "entry": [0, 3, 5, 1], "group": [1, 1, 1, 2], "cluster": [1, 1, 1, 1]}
    by_row, by_column = (parsed(subjects=subjects(by_row=form, **columns)).subjects for form in (True, False))
    assert by_row.model_dump() == by_column.model_dump()


@pytest.mark.parametrize(
    "columns",
    [
        {"event": [1, 1, 1, 0]},
        {"time": [3, 3, 3, 0]},
        {"event": [1, 1, 1, 1], "terminal": [0, 0, 1, 1]},
        {"terminal": [False, False, True, True]},
        {"entry": [0, 4, 6, 0]},
        {"event": [0, 0, 0, 0], "entry": [0, 3, 5, 0]},
        {"entry": [0, 3 - 1e-12, 5, 0]},
        {"id": [True, True, True, False]},
        {"id": [1, 1, 1, 2.0]},
    ],
    ids=["no end", "ties", "both", "death", "gaps", "cut rows", "rounding", "boolean ids", "whole numbers"],
)
@pytest.mark.parametrize("by_row", [False, True])
def test_such_histories_are_taken(columns: Json, by_row: bool) -> None:
    parsed(subjects=subjects(by_row=by_row, **columns))


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"id": ["A", "A", "A", 1]}, [("id", 3, KIND)]),
        ({"id": ["A", "A", "A", ""]}, None),
        ({"event": [1, 2, 0, 0]}, [("event", 1, FLAG)]),
        ({"terminal": [0, "1", 0, 0]}, [("terminal", 1, FLAG)]),
        ({"group": [1, 1, 2, 1]}, [("group", 2, CONSTANT)]),
        ({"cluster": ["x", "y", "x", "x"]}, [("cluster", 1, CONSTANT)]),
        ({"event": [1, 0, 0, 0]}, [("time", 2, CLOSED)]),
        ({"event": [1, 0, 1, 0]}, [("time", 2, AFTER)]),
        ({"terminal": [0, 1, 0, 0]}, [("time", 2, CLOSED)]),
        ({"event": [1, 1, 1, 0], "terminal": [0, 1, 0, 0]}, [("time", 2, AFTER)]),
        ({"terminal": [1, 0, 1, 0], "entry": [0, 3, 5, 0]}, [("time", 2, CLOSED), ("time", 1, AFTER)]),
        ({"entry": [0, 2, 5, 0]}, [("entry", 1, OVERLAP)]),
        ({"entry": [0, 0, 4, 0]}, [("entry", 1, OVERLAP), ("entry", 2, OVERLAP)]),
        ({"entry": [3, 3, 5, 0]}, [("entry", 0, "must be below its time")]),
    ],
)
@pytest.mark.parametrize("by_row", [False, True])
def test_what_is_no_history_is_refused(
    columns: Json, expected: list[tuple[str, int, str]] | None, by_row: bool
) -> None:
    found = faults(subjects=subjects(by_row=by_row, **columns))
    if expected is None:
        assert [pointer for pointer, _ in found] == ["/subjects/3/id" if by_row else "/subjects/id/3"]
        return
    at = "/subjects/{1}/{0}" if by_row else "/subjects/{0}/{1}"
    assert found == [(at.format(name, place), detail) for name, place, detail in expected]


def test_columns_of_other_lengths_are_told_once() -> None:
    assert faults(subjects=subjects(id=["A", "A"])) == [("/subjects/id", "must have as many items as time")]


@pytest.mark.parametrize("name", ["id", "time", "event"])
def test_what_is_missing_is_told(name: str) -> None:
    without = {column: items for column, items in subjects().items() if column != name}
    assert (f"/subjects/{name}", "is required") in faults(subjects=without)


@pytest.mark.parametrize("name", ["weight", "stratum"])
def test_weights_and_strata_are_not_taken(name: str) -> None:
    column: Json = {name: [1, 1, 1, 1]}
    assert faults(subjects=subjects(**column)) == [(f"/subjects/{name}", "must be null")]
    by_row = faults(subjects=subjects(by_row=True, **column))
    assert by_row == [(f"/subjects/{place}/{name}", "is not a known field") for place in range(4)]
    assert name not in RecurrencesRequest.model_json_schema()["$defs"]["RecurrenceColumns"]["properties"]


@pytest.mark.parametrize(
    ("option", "pointer"),
    [
        ({"per": 0}, "/per"),
        ({"per": 1e16}, "/per"),
        ({"count_confidence_type": "log-log"}, "/count_confidence_type"),
        ({"confidence_type": "wilson"}, "/confidence_type"),
        ({"weight_kind": "sampling"}, "/weight_kind"),
        ({"group_order": ["x"]}, "/group_order"),
        ({"landmarks": [-1]}, "/landmarks/0"),
        ({"min_cell_count": 5}, "/min_cell_count"),
    ],
)
def test_options_out_of_range_are_refused(option: Json, pointer: str) -> None:
    assert [where for where, _ in faults(**option)] == [pointer]
