"""The request for success rates: defaults, two forms of rows, counts, and what is refused, where and in which words."""

from typing import Any

import pytest

from app.schemas.flat_request import MAX_GROUPS
from app.schemas.success_rates import SuccessRatesRequest, SuccessRatesResponse, group_names
from tests.requests import as_rows, asking

Json = dict[str, Any]
SUCCESS = "must be true, false, 1 or 0"
COUNT = "must be a whole number from 0 to less than 2**53"
CATEGORY = "must be a string of 1 to 200 characters, an integer between -2**53 and 2**53, true or false"
KIND = "must be of the same kind as the first"
EITHER = "must have either groups or subjects"

COLUMNS: Json = {"success": [1, False, True, 0], "group": ["b", "a", "b", "c"], "cluster": [1, 1, 2, 3]}
COUNTS: list[Json] = [
    {"label": "b", "successes": 3, "total": 4},
    {"label": 2, "successes": 0, "total": 0},
    {"label": True, "successes": 5.0, "total": 6},
]


def sent(columns: Json, *, by_row: bool) -> Any:
    return as_rows(columns) if by_row else columns


parsed, faults = asking(SuccessRatesRequest)


def test_defaults() -> None:
    assert parsed(groups=COUNTS).model_dump(exclude={"groups"}) == {
        "subjects": None,
        "confidence_level": 0.95,
        "interval": "wilson",
        "tests": None,
        "scores": None,
        "group_order": None,
    }


def test_everything_may_be_asked_for() -> None:
    asked: Json = {
        "confidence_level": 0.5,
        "interval": "agresti-coull",
        "tests": ["trend", "chi-squared", "fisher"],
        "scores": [1, -2.5, 1],
        "group_order": ["c", "a", "b"],
    }
    found = parsed(subjects=COLUMNS, groups=None, **asked)
    assert found.model_dump(include=set(asked)) == asked


def test_rows_and_columns_are_one() -> None:
    columns, rows = (parsed(subjects=form).subjects for form in (COLUMNS, as_rows(COLUMNS)))
    assert columns is not None
    assert rows is not None
    assert rows.model_dump() == columns.model_dump() == COLUMNS | {"success": [1, 0, 1, 0]}


def test_counts_sent_as_whole_floats_are_integers() -> None:
    groups = parsed(groups=COUNTS).groups
    assert groups is not None
    assert [group.model_dump() for group in groups] == COUNTS
    assert {type(count) for group in groups for count in (group.successes, group.total)} == {int}


def test_the_contract_describes_every_field() -> None:
    for model in (SuccessRatesRequest, SuccessRatesResponse):
        schema = model.model_json_schema()
        for one in (schema, *schema["$defs"].values()):
            bare = [name for name, field in one["properties"].items() if not field.get("description")]
            assert all("$ref" in one["properties"][name] for name in bare)


def test_the_contract_shows_both_forms_and_the_limits() -> None:
    schema = SuccessRatesRequest.model_json_schema()
    columns, rows, null = schema["properties"]["subjects"]["anyOf"]
    assert columns == {"$ref": "#/$defs/SuccessColumns"}
    assert rows == {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/SuccessRow"}}
    assert null == {"type": "null"}
    count = schema["$defs"]["SuccessCounts"]["properties"]["total"]
    assert (count["type"], count["minimum"], count["exclusiveMaximum"]) == ("integer", 0, 2**53)
    assert schema["$defs"]["SuccessColumns"]["properties"]["success"]["items"]["enum"] == [True, False, 1, 0]


@pytest.mark.parametrize(
    ("fields", "pointer", "detail"),
    [
        ({}, "", EITHER),
        ({"groups": None}, "", EITHER),
        ({"groups": COUNTS, "subjects": COLUMNS}, "", EITHER),
        ({"groups": []}, "/groups", "must have 1 or more items"),
        ({"groups": [COUNTS[0]] * 51}, "/groups", "must have 50 or fewer items"),
        ({"groups": [COUNTS[0] | {"label": ""}]}, "/groups/0/label", CATEGORY),
        ({"groups": [COUNTS[0] | {"total": -1}]}, "/groups/0/total", COUNT),
        ({"groups": [COUNTS[0] | {"total": 4.5}]}, "/groups/0/total", COUNT),
        ({"groups": [COUNTS[0] | {"total": 2**53}]}, "/groups/0/total", COUNT),
        ({"groups": [COUNTS[0] | {"successes": True}]}, "/groups/0/successes", COUNT),
        ({"groups": [COUNTS[0] | {"successes": "3"}]}, "/groups/0/successes", COUNT),
        ({"groups": [{"label": "a", "total": 3}]}, "/groups/0/successes", "is required"),
        ({"groups": [COUNTS[0] | {"weight": 1}]}, "/groups/0/weight", "is not a known field"),
        ({"groups": [COUNTS[0] | {"successes": 5}]}, "/groups/0/successes", "must be at most its total"),
        ({"groups": [*COUNTS, {"label": "2", "successes": 0, "total": 1}]}, "/groups/3/label", "is named before"),
        ({"groups": [*COUNTS, {"label": "true", "successes": 0, "total": 1}]}, "/groups/3/label", "is named before"),
        (
            {"groups": [{"label": name, "successes": 0, "total": 2**52} for name in "ab"]},
            "/groups",
            "must have totals whose sum is less than 2**53",
        ),
        ({"subjects": 1}, "/subjects", "must be an object or an array"),
        ({"subjects": []}, "/subjects", "must have 1 or more items"),
        ({"subjects": {"success": []}}, "/subjects/success", "must have 1 or more items"),
        ({"subjects": {"group": ["a"]}}, "/subjects/success", "is required"),
        ({"subjects": {"success": [1], "time": [1]}}, "/subjects/time", "is not a known field"),
        ({"subjects": [{"success": 1}, {"success": 1, "group": 1}]}, "/subjects/1", "must have the same fields as "),
        ({"groups": COUNTS, "confidence_level": 1}, "/confidence_level", "must be less than 1.0"),
        ({"groups": COUNTS, "confidence_level": 0}, "/confidence_level", "must be greater than 0.0"),
        ({"groups": COUNTS, "interval": "exact"}, "/interval", "must be 'wilson', 'clopper-pearson', "),
        ({"groups": COUNTS, "tests": ["fishers"]}, "/tests/0", "must be 'fisher', 'chi-squared' or 'trend'"),
        ({"groups": COUNTS, "tests": ["fisher"] * 2}, "/tests/1", "is named before"),
        ({"groups": COUNTS, "tests": ["fisher"] * 4}, "/tests", "must have 3 or fewer items"),
        ({"groups": COUNTS, "scores": [1, 2, 3]}, "/scores", "needs the test trend"),
        ({"groups": COUNTS, "tests": ["trend"], "scores": [1, 2]}, "/scores", "must have as many items as there are "),
        ({"groups": COUNTS, "tests": ["trend"], "scores": [2, 2, 2.0]}, "/scores", "must not all be equal"),
        ({"groups": COUNTS, "tests": ["trend"], "scores": [1, 2, 1.1e15]}, "/scores/2", "must be at most 1000"),
        ({"groups": COUNTS, "group_order": ["b"]}, "/group_order", "needs the column group"),
        ({"subjects": {"success": [1]}, "group_order": ["b"]}, "/group_order", "needs the column group"),
        ({"subjects": COLUMNS, "group_order": ["a", "b"]}, "/group_order", "lacks a group of the subjects"),
        ({"subjects": COLUMNS, "group_order": ["a", "b", "c", "a"]}, "/group_order/3", "is named before"),
        ({"groups": COUNTS, "time_unit": "months"}, "/time_unit", "is not a known field"),
    ],
)
def test_what_is_refused(fields: Json, pointer: str, detail: str) -> None:
    ((found, sentence),) = faults(**fields)
    assert found == pointer
    assert sentence.startswith(detail)


@pytest.mark.parametrize("by_row", [False, True])
class TestEitherForm:
    """In both forms, with a pointer into that form."""

    @pytest.mark.parametrize(
        ("name", "item", "detail"),
        [
            ("success", 2, SUCCESS),
            ("success", "true", SUCCESS),
            ("success", None, SUCCESS),
            ("group", "", CATEGORY),
            ("group", 1.5, CATEGORY),
            ("group", 1, KIND),
            ("cluster", None, CATEGORY),
            ("cluster", True, KIND),
        ],
    )
    def test_an_item_that_is_refused(self, name: str, item: Any, detail: str, *, by_row: bool) -> None:
        columns = COLUMNS | {name: [*COLUMNS[name][:2], item, COLUMNS[name][3]]}
        where = f"/subjects/2/{name}" if by_row else f"/subjects/{name}/2"
        assert faults(subjects=sent(columns, by_row=by_row)) == [(where, detail)]

    def test_there_are_at_most_50_groups(self, *, by_row: bool) -> None:
        columns = {"success": [1] * (MAX_GROUPS + 1), "group": list(range(MAX_GROUPS + 1))}
        where = "/subjects" if by_row else "/subjects/group"
        assert faults(subjects=sent(columns, by_row=by_row)) == [(where, "has more than 50 groups")]
        fewer = {name: column[1:] for name, column in columns.items()}
        assert len(group_names(parsed(subjects=sent(fewer, by_row=by_row)))) == MAX_GROUPS


def test_columns_have_one_length() -> None:
    columns = COLUMNS | {"group": ["a"], "cluster": []}
    detail = "must have as many items as success"
    assert faults(subjects=columns) == [("/subjects/group", detail), ("/subjects/cluster", detail)]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"groups": COUNTS}, ["b", 2, True]),
        ({"subjects": COLUMNS}, ["b", "a", "c"]),
        ({"subjects": COLUMNS, "group_order": ["c", "x", "b", "a"]}, ["c", "b", "a"]),
        ({"subjects": {"success": [1, 0]}}, []),
    ],
)
def test_groups_are_in_the_order_asked_for_or_as_they_first_appear(fields: Json, expected: list[Any]) -> None:
    assert group_names(parsed(**fields)) == expected


def test_scores_of_a_trend_of_one_group_do_not_matter() -> None:
    assert parsed(groups=COUNTS[:1], tests=["trend"], scores=[1, 2]).scores == [1, 2]


def test_faults_hold_nothing_of_what_was_sent() -> None:
    secret: Json = {"groups": [{"label": ["secret"], "successes": 7654.5, "total": "secret"}], "secret": 1}
    between: Json = {"groups": [{"label": "secret", "successes": 7654, "total": 7653}] * 2, "group_order": ["secret"]}
    for fields in (secret, between):
        for _, detail in faults(**fields):
            assert "secret" not in detail
            assert "76" not in detail
