"""The request of a survival analysis: defaults, options, and what is refused, where and in which words."""

import json
from typing import Any

import pytest

from app.schemas.flat_request import MAX_GROUPS, group_labels
from app.schemas.survival_request import SurvivalRequest
from tests.requests import as_rows, asking

Json = dict[str, Any]
TEST_NAMES = ["log-rank", "gehan-breslow", "tarone-ware", "peto-peto", "modified-peto-peto"]
NAME = "must be 'log-rank', 'gehan-breslow', 'tarone-ware', 'peto-peto' or 'modified-peto-peto'"
WHOLE = "must be a whole number, or weight_kind sampling"
SUM = "must have weights whose sum is less than 2**53"
BEFORE, AFTER = "must not be before start_time", "must be after start_time"
AT_LEAST_0, TOO_LATE = "must be at least 0.0", "must be at most 1000000000000000.0"


def subjects(*, by_row: bool = False, **columns: list[Any]) -> Any:
    """Return subjects as they are sent, of three groups by default, in either form."""
    sent: Json = {"time": [3, 1, 2, 4], "event": [True, False, 1, 0], "group": ["b", "a", "b", "c"], **columns}
    return as_rows(sent) if by_row else sent


UNGROUPED = {"time": [3, 1, 2, 4], "event": [True, False, 1, 0]}
ALONE = UNGROUPED | {"group": [1] * 4}


parsed, faults = asking(SurvivalRequest, subjects=subjects())


def test_defaults() -> None:
    assert parsed().model_dump(exclude={"subjects"}) == {
        "time_unit": "months",
        "convention": "r",
        "confidence_level": 0.95,
        "confidence_type": None,
        "weight_kind": "frequency",
        "quantiles": [0.25, 0.5, 0.75],
        "landmarks": [],
        "horizon": None,
        "start_time": None,
        "risk_table_times": None,
        "curve": "full",
        "tests": None,
        "pairwise": None,
        "group_order": None,
        "min_cell_count": None,
        "figure": {
            "width": 800,
            "height": None,
            "time_breaks": None,
            "at_risk": "extended",
            "until": None,
            "percent": False,
            "labels": {"title": None, "time": None, "value": None, "groups": {}},
        },
    }


def test_everything_may_be_asked_for() -> None:
    asked: Json = {
        "time_unit": "days",
        "convention": "stata",
        "confidence_level": 0.5,
        "confidence_type": "arcsin",
        "weight_kind": "sampling",
        "quantiles": [0.1, 0.1, 0.9],
        "landmarks": [12, 6.5, 1, 1e15],
        "horizon": 1.5,
        "start_time": 1,
        "risk_table_times": [1, 2],
        "curve": {"max_points": 2},
        "tests": [
            *TEST_NAMES,
            {"name": "fleming-harrington", "rho": 1, "gamma": 0.5},
            {"name": "trend", "scores": [1, -2.5, 1]},
            {"name": "max-combo"},
        ],
        "pairwise": {"adjustment": "by"},
        "group_order": ["c", "a", "b"],
        "min_cell_count": 5,
    }
    found = parsed(subjects=subjects(weight=[0.5, 1, 2, 1.5]), **asked)
    assert found.model_dump(include=set(asked)) == asked


def test_defaults_of_the_options_of_tests_and_pairs() -> None:
    found = parsed(tests=[{"name": "fleming-harrington"}, {"name": "trend"}], pairwise={})
    assert found.model_dump(include={"tests", "pairwise"}) == {
        "tests": [{"name": "fleming-harrington", "rho": 0, "gamma": 0}, {"name": "trend", "scores": None}],
        "pairwise": {"adjustment": "holm"},
    }


def test_nothing_need_be_asked_for() -> None:
    found = parsed(subjects=UNGROUPED, tests=[], quantiles=[], curve="none", group_order=None)
    assert (found.tests, found.quantiles, group_labels(found)) == ([], [], [])


def test_the_contract_describes_every_field() -> None:
    schema = SurvivalRequest.model_json_schema()
    assert all(one.get("description") for one in schema["properties"].values())
    options = ("FlemingHarrington", "Trend", "MaxCombo", "CurvePoints", "Pairwise")
    assert all(one["description"] for name in options for one in schema["$defs"][name]["properties"].values())
    assert schema["required"] == ["subjects"]
    assert [set(form) for form in schema["properties"]["subjects"]["anyOf"]] == [
        {"$ref"},
        {"type", "items", "minItems"},
    ]


@pytest.mark.parametrize(
    ("fields", "pointer", "detail"),
    [
        ({"subjects": None}, "/subjects", "must be an object or an array"),
        ({"time_unit": "hours"}, "/time_unit", "must be 'days', 'weeks', 'months' or 'years'"),
        ({"convention": "R"}, "/convention", "must be 'r', 'sas', 'spss' or 'stata'"),
        ({"confidence_level": 0}, "/confidence_level", "must be greater than 0.0"),
        ({"confidence_level": 1}, "/confidence_level", "must be less than 1.0"),
        ({"confidence_type": "x"}, "/confidence_type", "must be 'plain', 'log', 'log-log', 'logit' or 'arcsin'"),
        ({"weight_kind": "importance"}, "/weight_kind", "must be 'frequency' or 'sampling'"),
        ({"quantiles": [0.5, 1]}, "/quantiles/1", "must be less than 1.0"),
        ({"quantiles": [0]}, "/quantiles/0", "must be greater than 0.0"),
        ({"quantiles": [0.5] * 101}, "/quantiles", "must have 100 or fewer items"),
        ({"landmarks": [1, -1]}, "/landmarks/1", AT_LEAST_0),
        ({"landmarks": [1.1e15]}, "/landmarks/0", TOO_LATE),
        ({"landmarks": [1] * 201}, "/landmarks", "must have 200 or fewer items"),
        ({"horizon": 0}, "/horizon", "must be greater than 0.0"),
        ({"horizon": 1.1e15}, "/horizon", TOO_LATE),
        ({"start_time": -1}, "/start_time", AT_LEAST_0),
        ({"risk_table_times": [-1]}, "/risk_table_times/0", AT_LEAST_0),
        ({"risk_table_times": [1] * 201}, "/risk_table_times", "must have 200 or fewer items"),
        ({"curve": "half"}, "/curve", "must be 'full' or 'none' or an object"),
        ({"curve": {}}, "/curve/max_points", "is required"),
        ({"curve": {"max_points": 1}}, "/curve/max_points", "must be at least 2"),
        ({"curve": {"max_points": 100_001}}, "/curve/max_points", "must be at most 100000"),
        ({"curve": {"max_points": 2.5}}, "/curve/max_points", "must be an integer"),
        ({"tests": "log-rank"}, "/tests", "must be an array"),
        ({"tests": ["logrank"]}, "/tests/0", NAME),
        ({"tests": ["log-rank", 1]}, "/tests/1", NAME),
        (
            {"tests": [{"name": "log-rank"}]},
            "/tests/0",
            "must have one of 'fleming-harrington', 'trend', 'max-combo' as 'name'",
        ),
        ({"tests": [{"rho": 1}]}, "/tests/0", "must have a 'name'"),
        ({"tests": [{"name": "fleming-harrington", "rho": -1}]}, "/tests/0/rho", AT_LEAST_0),
        ({"tests": [{"name": "fleming-harrington", "gamma": 101}]}, "/tests/0/gamma", "must be at most 100.0"),
        ({"tests": [{"name": "trend", "scores": [1, "2", 3]}]}, "/tests/0/scores/1", "must be a number"),
        ({"tests": [{"name": "trend", "scores": [1.1e15, 2, 3]}]}, "/tests/0/scores/0", TOO_LATE),
        ({"tests": [{"name": "max-combo", "rho": 1}]}, "/tests/0/rho", "is not a known field"),
        ({"tests": [{"name": "max-combo"}] * 21}, "/tests", "must have 20 or fewer items"),
        (
            {"pairwise": {"adjustment": "fdr"}},
            "/pairwise/adjustment",
            "must be 'holm', 'hochberg', 'bonferroni', 'bh', 'by' or 'none'",
        ),
        ({"pairwise": True}, "/pairwise", "must be an object"),
        ({"group_order": ["a", "b", ["c"]]}, "/group_order/2", "must be a string of 1 to 200 characters, an integer "),
        ({"min_cell_count": 1}, "/min_cell_count", "must be at least 2"),
        ({"min_cell_count": 1001}, "/min_cell_count", "must be at most 1000"),
        ({"landmark": [1]}, "/landmark", "is not a known field"),
    ],
)
def test_a_field_that_is_refused(fields: Json, pointer: str, detail: str) -> None:
    ((found, sentence),) = faults(**fields)
    assert found == pointer
    assert sentence.startswith(detail)


@pytest.mark.parametrize("by_row", [False, True])
class TestEitherForm:
    """In both forms, with a pointer into that form."""

    def test_frequency_weights_are_whole_numbers(self, by_row: bool) -> None:
        sent = subjects(by_row=by_row, weight=[1, 2.5, 3.0, 0.5])
        places = ("/1/weight", "/3/weight") if by_row else ("/weight/1", "/weight/3")
        assert faults(subjects=sent) == [(f"/subjects{place}", WHOLE) for place in places]
        assert [*(parsed(subjects=sent, weight_kind="sampling").subjects.weight or ())] == [1, 2.5, 3, 0.5]

    def test_frequency_weights_sum_to_a_number_that_counts_exactly(self, by_row: bool) -> None:
        sent = subjects(by_row=by_row, weight=[2**52, 2**51, 2**51 - 2, 2])
        assert faults(subjects=sent) == [("/subjects" if by_row else "/subjects/weight", SUM)]
        assert parsed(subjects=subjects(by_row=by_row, weight=[2**52, 2**51, 2**51 - 2, 1])).subjects.weight

    def test_sampling_weights_are_not_too_far_apart(self, by_row: bool) -> None:
        sent = subjects(by_row=by_row, weight=[1e-6, 1e6, 1, 2.5])
        assert parsed(subjects=sent, weight_kind="sampling").weight_kind == "sampling"
        found = faults(subjects=subjects(by_row=by_row, weight=[1e-7, 1, 2, 1.1e6]), weight_kind="sampling")
        places = (
            ("/subjects/0/weight", "/subjects/3/weight") if by_row else ("/subjects/weight/0", "/subjects/weight/3")
        )
        assert found == [(place, "must be 1e-6 to 1e6, as a sampling weight") for place in places]

    def test_sampling_weights_are_needed(self, by_row: bool) -> None:
        found = faults(subjects=subjects(by_row=by_row), weight_kind="sampling")
        assert found == [("/weight_kind", "needs the column weight")]

    def test_faults_between_columns_are_at_their_place(self, by_row: bool) -> None:
        sent = subjects(by_row=by_row, entry=[0, 1, 1, 0])
        assert faults(subjects=sent) == [
            ("/subjects/1/entry" if by_row else "/subjects/entry/1", "must be below its time")
        ]

    def test_there_are_at_most_50_groups(self, by_row: bool) -> None:
        size = MAX_GROUPS + 1
        columns = {"time": [1] * size, "event": [1] * size, "group": list(range(size))}
        where = "/subjects" if by_row else "/subjects/group"
        assert faults(subjects=subjects(by_row=by_row, **columns)) == [(where, "has more than 50 groups")]
        fewer = {name: column[1:] for name, column in columns.items()}
        assert len(group_labels(parsed(subjects=subjects(by_row=by_row, **fewer)))) == MAX_GROUPS


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"start_time": 4.5}, [("/start_time", "lies after the follow-up of every subject")]),
        ({"start_time": 2, "horizon": 2}, [("/horizon", AFTER)]),
        ({"start_time": 2, "landmarks": [1.5, 2, 0]}, [("/landmarks/0", BEFORE), ("/landmarks/2", BEFORE)]),
        ({"start_time": 2, "risk_table_times": [2, 1]}, [("/risk_table_times/1", BEFORE)]),
        ({"group_order": ["a", "b"]}, [("/group_order", "lacks a group of the subjects")]),
        ({"group_order": []}, [("/group_order", "lacks a group of the subjects")]),
        (
            {"group_order": ["a", "b", "c", "a", "c"]},
            [(f"/group_order/{place}", "is named before") for place in (3, 4)],
        ),
        ({"subjects": UNGROUPED, "group_order": ["a"]}, [("/group_order", "needs the column group")]),
        ({"tests": ["log-rank", "peto-peto", "log-rank"]}, [("/tests/2", "is named before")]),
        ({"tests": [{"name": "max-combo"}] * 2}, [("/tests/1", "is named before")]),
        (
            {"tests": [{"name": "fleming-harrington", "rho": 1.0}, {"name": "fleming-harrington", "rho": 1}]},
            [("/tests/1", "is named before")],
        ),
        (
            {"tests": ["log-rank", {"name": "trend", "scores": [1, 2]}]},
            [("/tests/1/scores", "must have as many items as there are groups")],
        ),
        ({"tests": [{"name": "trend", "scores": [2, 2, 2.0]}]}, [("/tests/0/scores", "must not all be equal")]),
        (
            {"start_time": 9, "horizon": 3, "tests": ["log-rank"] * 2, "group_order": ["a"], "weight_kind": "sampling"},
            [
                ("/weight_kind", "needs the column weight"),
                ("/group_order", "lacks a group of the subjects"),
                ("/start_time", "lies after the follow-up of every subject"),
                ("/horizon", AFTER),
                ("/tests/1", "is named before"),
            ],
        ),
    ],
)
def test_faults_between_fields(fields: Json, expected: list[tuple[str, str]]) -> None:
    """All at once, once each field by itself is sound."""
    assert faults(**fields) == expected


def test_start_time_may_be_the_last_follow_up() -> None:
    assert parsed(start_time=4, landmarks=[4], horizon=4.5, risk_table_times=[4]).start_time == 4


def test_tests_that_differ_in_their_options_are_two() -> None:
    tests = [{"name": "fleming-harrington", "rho": 1}, {"name": "fleming-harrington", "gamma": 1}]
    assert len(parsed(tests=[*tests, {"name": "trend"}, {"name": "trend", "scores": [1, 2, 4]}]).tests or ()) == 4


@pytest.mark.parametrize(
    ("group", "order", "expected"),
    [
        (["b", "a", "b", "c"], None, ["b", "a", "c"]),
        (["b", "a", "b", "c"], ["c", "b", "a"], ["c", "b", "a"]),
        (["b", "a", "b", "c"], ["x", "c", "y", "b", "a"], ["c", "b", "a"]),
        ([2, 1, 2.0, 10], None, [2, 1, 10]),
        ([2, 1, 2, 10], [1, 2, 10], [1, 2, 10]),
        ([2, 1, 2, 10], ["10", "2", "1"], [10, 2, 1]),
        ([True, False, True, True], [False, True], [False, True]),
    ],
)
def test_groups_are_in_the_order_asked_for_or_as_they_first_appear(
    group: list[Any], order: list[Any] | None, expected: list[Any]
) -> None:
    found = group_labels(parsed(subjects=subjects(group=group), group_order=order))
    assert json.dumps(found) == json.dumps(expected)


def test_booleans_are_no_numbers() -> None:
    sent = subjects(group=[True, False, True, True])
    assert faults(subjects=sent, group_order=[1, 0]) == [("/group_order", "lacks a group of the subjects")]


def test_faults_hold_nothing_of_what_was_sent() -> None:
    secret: Json = {"tests": ["secret", {"name": "secret"}], "curve": "secret", "horizon": -7654, "secret": 7654}
    between: Json = {"start_time": 7654, "landmarks": [76.54], "group_order": ["secret"] * 2}
    for fields in (secret, between):
        for _, detail in faults(**fields):
            assert "secret" not in detail
            assert "76" not in detail
