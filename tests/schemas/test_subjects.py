"""Subjects on the wire: two forms with one meaning; what is refused, where and in which words."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.api.body import MAX_VALUES
from app.schemas.common import RequestModel
from app.schemas.faults import MAX_FAULTS
from app.schemas.subjects import SurvivalSubjects, label
from tests.requests import as_rows, asking

Json = dict[str, Any]
EVENT = "must be true, false, 1 or 0"
CATEGORY = "must be a string of 1 to 200 characters, an integer between -2**53 and 2**53, true or false"
KIND = "must be of the same kind as the first"
EVEN = "must have as many items as time"
FIELDS = "must have the same fields as the first row"


class Request(RequestModel):
    subjects: SurvivalSubjects


parsed, refused = asking(Request)


def taken(subjects: Any) -> Json:
    """Return the columns of subjects as they are sent; those not sent are left out."""
    return dict(parsed(subjects=subjects).subjects.model_dump(exclude_none=True))


def faults(subjects: Any) -> list[tuple[str, str]]:
    """Return where below `/subjects`, and in which words, subjects are refused."""
    return [(pointer.removeprefix("/subjects"), detail) for pointer, detail in refused(subjects=subjects)]


def in_row(pointer: str) -> str:
    """Return the pointer to an item of a column in the form of rows."""
    _, name, place = pointer.split("/")
    return f"/{place}/{name}"


SAMPLE: Json = {
    "time": [1, 2.5, 0],
    "event": [True, 0, 1.0],
    "entry": [0, 2, 0],
    "group": ["a", "b", "a"],
    "stratum": [1, -2.0, 3],
    "cluster": [True, False, True],
    "weight": [1, 2.5, 2**53],
}


class TestForms:
    def test_columns(self) -> None:
        columns = SAMPLE | {"time": [1, 2.5, 3]}
        assert taken(columns) == columns | {"event": [True, False, True], "stratum": [1, -2, 3]}

    def test_rows(self) -> None:
        columns = SAMPLE | {"time": [1, 2.5, 3]}
        assert taken(as_rows(columns)) == taken(columns)

    def test_what_was_sent_as_another_number_is_of_one_type(self) -> None:
        for form in (columns := {"time": [1, 2.0], "event": [1.0, True], "group": [1.0, 2]}, as_rows(columns)):
            found = taken(form)
            assert [type(item) for column in found.values() for item in column] == [float] * 2 + [int] * 4

    def test_a_column_that_is_null_is_none(self) -> None:
        assert taken({"time": [1], "event": [True], "group": None}) == {"time": [1], "event": [True]}

    def test_the_contract_shows_both_with_a_description_of_each_field(self) -> None:
        schema = Request.model_json_schema()
        columns, rows = schema["properties"]["subjects"]["anyOf"]
        assert rows == {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/SurvivalRow"}}
        assert columns == {"$ref": "#/$defs/SurvivalColumns"}
        for form in ("SurvivalColumns", "SurvivalRow"):
            properties = schema["$defs"][form]["properties"]
            assert set(properties) == set(SAMPLE)
            assert all(one["description"] for one in properties.values())
            assert schema["$defs"][form]["required"] == ["time", "event"]
            assert not schema["$defs"][form]["additionalProperties"]

    def test_the_contract_shows_the_limits(self) -> None:
        definitions = Request.model_json_schema()["$defs"]
        time, event = (definitions["SurvivalColumns"]["properties"][name] for name in ("time", "event"))
        assert (time["minItems"], time["items"]["minimum"], time["items"]["maximum"]) == (1, 0, 1e15)
        row = definitions["SurvivalRow"]["properties"]
        assert json.dumps(event["items"]["enum"]) == json.dumps(row["event"]["enum"]) == "[true, false, 1, 0]"
        assert [kind["type"] for kind in row["group"]["anyOf"]] == ["string", "integer", "boolean"]


@pytest.mark.parametrize(
    ("name", "item", "detail"),
    [
        ("time", -1, "must be at least 0.0"),
        ("time", 1.1e15, "must be at most 1000000000000000.0"),
        ("time", "1", "must be a number"),
        ("time", True, "must be a number"),
        ("time", None, "must be a number"),
        ("event", 2, EVENT),
        ("event", -1, EVENT),
        ("event", 0.5, EVENT),
        ("event", "true", EVENT),
        ("event", "1", EVENT),
        ("event", None, EVENT),
        ("event", [], EVENT),
        ("entry", -1, "must be at least 0.0"),
        ("entry", "0", "must be a number"),
        ("entry", None, "must be a number"),
        ("entry", 2.5, "must be below its time"),
        ("entry", 3, "must be below its time"),
        ("group", "", CATEGORY),
        ("group", "x" * 201, CATEGORY),
        ("group", None, CATEGORY),
        ("group", {}, CATEGORY),
        ("stratum", 1.5, CATEGORY),
        ("stratum", 2**53, CATEGORY),
        ("stratum", -(2**53), CATEGORY),
        ("cluster", ["a"], CATEGORY),
        ("group", 1, KIND),
        ("group", True, KIND),
        ("stratum", True, KIND),
        ("stratum", "1", KIND),
        ("cluster", 1, KIND),
        ("weight", 0, "must be greater than 0.0"),
        ("weight", -1, "must be greater than 0.0"),
        ("weight", 2**54, "must be at most 9007199254740992.0"),
        ("weight", None, "must be a number"),
    ],
)
def test_an_item_that_is_refused(name: str, item: Any, detail: str) -> None:
    """In either form, with a pointer into that form, and in words without what was sent."""
    columns = SAMPLE | {"time": [1, 2.5, 3]} | {name: [SAMPLE[name][0], item, SAMPLE[name][2]]}
    assert faults(columns) == [(f"/{name}/1", detail)]
    assert faults(as_rows(columns)) == [(f"/1/{name}", detail)]


@pytest.mark.parametrize(
    ("name", "item"),
    [
        ("time", 1e15),
        ("group", "x" * 200),
        ("group", "\u00e9"),
        ("stratum", 2**53 - 1),
        ("stratum", 1 - 2**53),
        ("weight", 5e-324),
    ],
)
def test_the_extremes_are_taken(name: str, item: Any) -> None:
    columns = {"time": [1], "event": [True]} | {name: [item]}
    assert taken(columns)[name] == taken(as_rows(columns))[name] == [item]


class TestFaults:
    @pytest.mark.parametrize(
        ("subjects", "expected"),
        [
            (None, [("", "must be an object or an array")]),
            ("x", [("", "must be an object or an array")]),
            ({}, [("/time", "is required"), ("/event", "is required")]),
            ([], [("", "must have 1 or more items")]),
            ({"time": [], "event": []}, [("/time", "must have 1 or more items")]),
            ({"time": 1, "event": [1]}, [("/time", "must be an array")]),
            ({"time": [1], "event": [1], "group": "a"}, [("/group", "must be an array")]),
            ({"time": [1], "event": [1], "age": [1]}, [("/age", "is not a known field")]),
            ([{"time": 1, "event": 1, "age": 1}], [("/0/age", "is not a known field")]),
            ([{"time": 1, "event": 1}, 1, {}], [("/1", "must be an object"), ("/2/time", "is required")]),
            ([{"time": 1, "event": 1, "group": None}], [("/0/group", CATEGORY)]),
        ],
    )
    def test_of_a_form(self, subjects: Any, expected: list[tuple[str, str]]) -> None:
        assert faults(subjects)[: len(expected)] == expected

    def test_columns_are_of_one_length(self) -> None:
        columns = {"time": [1, 2], "event": [1], "entry": [0, 0, 5], "group": [], "weight": [1, 1]}
        assert faults(columns) == [("/entry", EVEN), ("/group", EVEN), ("/event", EVEN)]

    def test_rows_have_the_same_fields(self) -> None:
        row, longer, other = ({"time": 1, "event": 1} | more for more in ({}, {"group": 1}, {"weight": 1}))
        assert faults([row, row, longer, other]) == [("/2", FIELDS), ("/3", FIELDS)]
        assert faults([longer, other, longer, row]) == [("/1", FIELDS), ("/3", FIELDS)]

    def test_all_are_told_at_once(self) -> None:
        """Those of items first; those of items together once each by itself is sound."""
        columns = {"time": [1, -1, "x"], "event": [1, 2, 2], "group": ["a", "a", None]}
        pointers = ["/time/1", "/time/2", "/event/1", "/event/2", "/group/2"]
        assert sorted(pointer for pointer, _ in faults(columns)) == sorted(pointers)
        assert sorted(pointer for pointer, _ in faults(as_rows(columns))) == sorted(map(in_row, pointers))

    def test_of_items_together_all_are_told_at_once(self) -> None:
        columns = {
            "time": [1, 2, 3],
            "event": [1, 0, 1],
            "entry": [1, 1, 4],
            "group": ["a", 1, 2],
            "stratum": [1, 1, True],
        }
        expected = [("/group/1", KIND), ("/stratum/2", KIND)]
        expected += [(f"/entry/{place}", "must be below its time") for place in (0, 2)]
        assert faults(columns) == expected
        assert faults(as_rows(columns)) == [(in_row(pointer), detail) for pointer, detail in expected]

    def test_hold_nothing_of_what_was_sent(self) -> None:
        secrets = {"time": ["secret", 7654.25], "event": ["secret", 7654.25], "group": [7654.25, "secret"]}
        for form in (secrets, as_rows(secrets)):
            for _, detail in faults(form):
                assert "secret" not in detail
                assert "7654" not in detail


class TestLong:
    def test_of_a_long_column_the_first_fault_is_told(self) -> None:
        long = {"time": [1.0] * MAX_VALUES + [-1, -1], "event": [2] * (MAX_VALUES + 2)}
        assert faults(long) == [(f"/time/{MAX_VALUES}", "must be at least 0.0"), ("/event/0", EVENT)]

    def test_of_long_rows_the_faults_of_the_first_that_has_some_are_told(self) -> None:
        rows = [{"time": 1, "event": 1}] * MAX_VALUES + [{"time": -1, "event": 2}] * 2
        assert faults(rows) == [(f"/{MAX_VALUES}/time", "must be at least 0.0"), (f"/{MAX_VALUES}/event", EVENT)]

    def test_of_short_ones_every_fault_is_told(self) -> None:
        columns = {"time": [-1] * 4000, "event": [2] * 4000}
        assert len(faults(columns)) == len(faults(as_rows(columns))) == 8000

    def test_more_faults_than_that_between_columns_are_counted_no_further(self) -> None:
        size = MAX_FAULTS + 5
        columns = {"time": [1] * size, "event": [1] * size, "entry": [1] * size}
        assert faults(columns) == [("", f"has more than {MAX_FAULTS} faults")]


@pytest.mark.parametrize(
    ("category", "text"), [("a", "a"), ("True", "True"), (1, "1"), (-3, "-3"), (True, "true"), (False, "false")]
)
def test_labels(category: str | int | bool, text: str) -> None:
    assert label(category) == text


@st.composite
def samples(draw: st.DrawFn) -> Json:
    """Draw columns as a client may send them."""
    size = draw(st.integers(1, 6))

    def column(items: st.SearchStrategy[Any]) -> list[Any]:
        return draw(st.lists(items, min_size=size, max_size=size))

    kinds = [st.text(min_size=1, max_size=3), st.integers(-9, 9) | st.integers(-9, 9).map(float), st.booleans()]
    columns: Json = {
        "time": column(st.integers(5, 9) | st.floats(5, 9)),
        "event": column(st.sampled_from([True, False, 1, 0, 1.0, 0.0])),
        "entry": column(st.floats(0, 5, exclude_max=True)),
        "weight": column(st.integers(1, 3) | st.floats(0.5, 3)),
        **{name: column(draw(st.sampled_from(kinds))) for name in ("group", "stratum", "cluster")},
    }
    sent = draw(st.sets(st.sampled_from(sorted(columns)))) | {"time", "event"}
    return {name: items for name, items in columns.items() if name in sent}


@settings(deadline=None)
@given(samples())
def test_rows_and_columns_mean_the_same(columns: Json) -> None:
    """Which is what the columns say, number for number."""
    assert taken(as_rows(columns)) == taken(columns) == columns
