"""Groupings on the wire: what is refused, where and in which words."""

import operator
from math import inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from app.schemas.cohort import Cohort
from app.schemas.groupings import VARIABLES, Bin, Grouping, grouping_faults
from tests.cohort.builders import Json, cohort_json, faults, lesion_json, parsed, patient_json, refused

HOLDS_NONE, NEEDS_ONE, OVERLAPS = "holds no value", "needs one of lt, le, gt, ge", "overlaps an earlier bin"
NAN, INFINITE = float("nan"), float("inf")


def grouping(*bins: Json, **fields: Any) -> Json:
    """Return a grouping as it is sent, of lesions by diameter; bins without a label are numbered."""
    numbered = [{"label": str(place), **one} for place, one in enumerate(bins)]
    return {"name": "size", "unit": "lesion", "variable": "diameter_mm", "bins": numbered, **fields}


class TestBin:
    @pytest.mark.parametrize(
        ("limits", "lower", "upper"),
        [
            ({"lt": 3}, (-inf, True), (3, False)),
            ({"le": 3}, (-inf, True), (3, True)),
            ({"gt": 3}, (3, False), (inf, True)),
            ({"ge": 3}, (3, True), (inf, True)),
            ({"gt": -1.5, "le": 0}, (-1.5, False), (0, True)),
            ({"ge": 0, "lt": 1}, (0, True), (1, False)),
            ({"ge": 3, "le": 3}, (3, True), (3, True)),
            ({"gt": 3, "lt": 3.5, "ge": None, "le": None}, (3, False), (3.5, False)),
        ],
    )
    def test_has_limits_that_belong_to_it_or_not(
        self, limits: Json, lower: tuple[float, bool], upper: tuple[float, bool]
    ) -> None:
        found = parsed(Bin, {"label": "x", **limits})
        assert (found.lower, found.upper) == (lower, upper)

    @pytest.mark.parametrize(
        ("limits", "expected"),
        [
            ({}, [((), NEEDS_ONE)]),
            ({"lt": None}, [((), NEEDS_ONE)]),
            ({"lt": 3, "le": 3}, [(("le",), "cannot stand beside lt")]),
            ({"gt": 3, "ge": 3}, [(("ge",), "cannot stand beside gt")]),
            (
                {"lt": 9, "le": 9, "gt": 3, "ge": 3},
                [(("le",), "cannot stand beside lt"), (("ge",), "cannot stand beside gt")],
            ),
            ({"ge": 4, "le": 3}, [((), HOLDS_NONE)]),
            ({"gt": 4, "lt": 3}, [((), HOLDS_NONE)]),
            ({"gt": 3, "lt": 3}, [((), HOLDS_NONE)]),
            ({"gt": 3, "le": 3}, [((), HOLDS_NONE)]),
            ({"ge": 3, "lt": 3}, [((), HOLDS_NONE)]),
            ({"lt": 3, "le": 9, "ge": 3}, [(("le",), "cannot stand beside lt"), ((), HOLDS_NONE)]),
        ],
    )
    def test_faults(self, limits: Json, expected: list[tuple[tuple[str, ...], str]]) -> None:
        assert faults(Bin, {"label": "x", **limits}) == expected
        within = [(("bins", 1, *location), detail) for location, detail in expected]
        assert faults(Grouping, grouping({"lt": -5}, limits)) == within


class TestGrouping:
    def test_default_is_by_values(self) -> None:
        body = grouping()
        del body["bins"]
        assert parsed(Grouping, body).bins == []

    @pytest.mark.parametrize(
        ("unit", "variable"), [(unit, variable) for unit, known in VARIABLES.items() for variable in known]
    )
    def test_a_variable_is_one_of_its_unit(self, unit: str, variable: str) -> None:
        assert parsed(Grouping, grouping(unit=unit, variable=variable)).variable == variable
        known = {
            "patient": "lesion_count, session_count, total_volume_cm3, max_diameter_mm",
            "lesion": "diameter_mm, volume_cm3",
        }
        other = "patient" if unit == "lesion" else "lesion"
        assert faults(Grouping, grouping(unit=other, variable=variable)) == [
            (("variable",), f"must be one of {known[other]} or covariates.NAME for a grouping of this unit")
        ]

    @pytest.mark.parametrize("unit", VARIABLES)
    def test_a_variable_may_be_a_covariate_of_any_name(self, unit: str) -> None:
        for variable in ("covariates.x", "covariates.a.b", "covariates."):
            assert parsed(Grouping, grouping(unit=unit, variable=variable)).variable == variable

    @pytest.mark.parametrize("variable", ["diameter", "", "covariates", "Covariates.x", "covariate.x", " diameter_mm"])
    def test_no_other_variable_is_known(self, variable: str) -> None:
        ((location, detail),) = faults(Grouping, grouping(variable=variable))
        assert location == ("variable",)
        assert detail.startswith("must be one of diameter_mm, volume_cm3 or")

    @pytest.mark.parametrize(
        "bins",
        [
            [{"lt": 3}, {"ge": 3}],
            [{"le": 3}, {"gt": 3}],
            [{"gt": 3}, {"lt": 3}],
            [{"ge": 5}, {"lt": 3}, {"ge": 3, "lt": 5}],
            [{"ge": 3, "le": 3}, {"lt": 3}, {"gt": 3}],
            [{"gt": 3}, {"ge": 3, "le": 3}, {"lt": 3}],
            [{"lt": 1}, {"gt": 2, "lt": 3}, {"gt": 9}],
        ],
    )
    def test_bins_that_share_no_value(self, bins: list[Json]) -> None:
        assert len(parsed(Grouping, grouping(*bins)).bins) == len(bins)

    @pytest.mark.parametrize(
        ("bins", "places"),
        [
            ([{"le": 3}, {"ge": 3}], [1]),
            ([{"ge": 3}, {"le": 3}], [1]),
            ([{"lt": 5}, {"lt": 3}], [1]),
            ([{"gt": 5}, {"ge": 5}], [1]),
            ([{"lt": 5}, {"gt": 3, "lt": 4}], [1]),
            ([{"ge": 3, "le": 3}, {"ge": 3, "lt": 9}], [1]),
            ([{"ge": 3, "lt": 9}, {"ge": 3, "le": 3}], [1]),
            ([{"lt": 3}, {"gt": 5}, {"gt": 2, "lt": 6}], [2]),
            ([{"lt": 3}, {"lt": 3}, {"lt": 3}], [1, 2]),
        ],
    )
    def test_bins_that_share_a_value(self, bins: list[Json], places: list[int]) -> None:
        assert faults(Grouping, grouping(*bins)) == [(("bins", place), OVERLAPS) for place in places]

    def test_all_faults_are_told_at_once(self) -> None:
        bins = [{"label": "a", "lt": 3}, {"label": "b", "ge": 3}, {"label": "a", "gt": 5}, {"label": "b", "lt": 1}]
        assert faults(Grouping, grouping(*bins, unit="patient")) == [
            (
                ("variable",),
                (
                    "must be one of lesion_count, session_count, total_volume_cm3, max_diameter_mm or covariates.NAME "
                    "for a grouping of this unit"
                ),
            ),
            (("bins", 2, "label"), "is used before"),
            (("bins", 2), OVERLAPS),
            (("bins", 3, "label"), "is used before"),
            (("bins", 3), OVERLAPS),
        ]

    def test_faults_hold_nothing_of_what_was_sent(self) -> None:
        body = grouping({"label": "secret", "lt": 7654}, {"label": "secret", "lt": 8765}, variable="hidden")
        for error in refused(Grouping, body):
            assert error["input"] is None
            assert not any(value in error["msg"] for value in ("secret", "hidden", "7654", "8765"))

    @pytest.mark.parametrize(
        ("fields", "location", "problem"),
        [
            ({"name": ""}, ("name",), "string_too_short"),
            ({"name": 3}, ("name",), "string_type"),
            ({"unit": "session"}, ("unit",), "literal_error"),
            ({"variable": None}, ("variable",), "string_type"),
            ({"bins": None}, ("bins",), "list_type"),
            ({"bins": {}}, ("bins",), "list_type"),
            ({"labels": []}, ("labels",), "extra_forbidden"),
            ({"bins": [{"label": "x", "lt": "3"}]}, ("bins", 0, "lt"), "float_type"),
            ({"bins": [{"label": "x", "lt": True}]}, ("bins", 0, "lt"), "float_type"),
            ({"bins": [{"label": "x", "gt": NAN}]}, ("bins", 0, "gt"), "finite_number"),
            ({"bins": [{"label": "x", "le": INFINITE}]}, ("bins", 0, "le"), "finite_number"),
            ({"bins": [{"label": "x", "eq": 3}]}, ("bins", 0, "eq"), "extra_forbidden"),
            ({"bins": [{"lt": 3}]}, ("bins", 0, "label"), "missing"),
            ({"bins": [{"label": 1, "lt": 3}]}, ("bins", 0, "label"), "string_type"),
        ],
    )
    def test_nothing_is_coerced_and_nothing_unknown_taken(
        self, fields: Json, location: tuple[str | int, ...], problem: str
    ) -> None:
        assert [(error["loc"], error["type"]) for error in refused(Grouping, grouping(**fields))] == [
            (location, problem)
        ]

    def test_50_bins_are_enough(self) -> None:
        bins = [{"ge": limit, "lt": limit + 1} for limit in range(51)]
        assert len(parsed(Grouping, grouping(*bins[:50])).bins) == 50
        assert [(error["loc"], error["type"]) for error in refused(Grouping, grouping(*bins))] == [
            (("bins",), "too_long")
        ]


@st.composite
def bins(draw: st.DrawFn) -> Json:
    """Draw limits between -1 and 1, that may hold no value."""
    limits = st.integers(-1, 1)
    lower, upper = draw(st.sampled_from([None, "gt", "ge"])), draw(st.sampled_from([None, "lt", "le"]))
    return {name: draw(limits) for name in (lower, upper) if name is not None}


def holds(limits: Json, value: float) -> bool:
    meets = {"lt": operator.lt, "le": operator.le, "gt": operator.gt, "ge": operator.ge}
    return all(meets[name](value, limit) for name, limit in limits.items())


@given(bins(), bins())
def test_bins_are_taken_just_where_no_value_is_in_both_and_some_in_each(one: Json, other: Json) -> None:
    """With limits that are whole numbers the halves between -2 and 2 tell."""
    values = [half / 2 for half in range(-4, 5)]
    inside = [{value for value in values if holds(limits, value)} for limits in (one, other)]
    sound = one and other and all(inside) and not inside[0] & inside[1]
    try:
        parsed(Grouping, grouping(one, other))
    except ValidationError:
        assert not sound
    else:
        assert sound


class TestTogether:
    COHORT = parsed(
        Cohort,
        cohort_json(
            patient_json(covariates={"arm": None}),
            patient_json(lesions=[lesion_json(), lesion_json(id="M", covariates={"site": "left"})]),
        ),
    )

    def told(self, *groupings: Json) -> list[tuple[tuple[str | int, ...], str]]:
        return list(grouping_faults([parsed(Grouping, one) for one in groupings], self.COHORT))

    def test_a_covariate_is_one_that_a_unit_has(self) -> None:
        """It may be missing in others, or have no value."""
        assert self.told(grouping(variable="covariates.site")) == []
        assert self.told(grouping(unit="patient", variable="covariates.arm")) == []

    @pytest.mark.parametrize(
        ("unit", "name"), [("patient", "site"), ("lesion", "arm"), ("lesion", ""), ("patient", "Arm")]
    )
    def test_another_covariate_is_unknown(self, unit: str, name: str) -> None:
        found = self.told(grouping(name="first"), grouping(unit=unit, variable=f"covariates.{name}"))
        assert found == [(("groupings", 1, "variable"), f"is a covariate of no {unit}")]

    def test_names_differ(self) -> None:
        found = self.told(grouping(name="a"), grouping(name="b"), grouping(name="a"), grouping(name="a"))
        assert found == [(("groupings", place, "name"), "is used before") for place in (2, 3)]

    def test_all_faults_are_told_at_once(self) -> None:
        unknown = {"variable": "covariates.secret"}
        assert self.told(grouping(**unknown), grouping(**unknown, unit="patient")) == [
            (("groupings", 0, "variable"), "is a covariate of no lesion"),
            (("groupings", 1, "name"), "is used before"),
            (("groupings", 1, "variable"), "is a covariate of no patient"),
        ]
