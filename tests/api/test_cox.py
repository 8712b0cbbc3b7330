"""`POST /v1/regression/cox`: what it answers, refuses and warns of; R's figures are in test_cox_references."""

from typing import Any

import httpx
import numpy as np
import pytest

from app.analysis import cox_summary
from app.analysis.errors import InvalidParameterError, NoEstimateError
from app.analysis.intervals import OUT_OF_RANGE
from app.main import create_app
from app.schemas import regression
from app.settings import Settings
from tests.api.cox_requests import AGE, EXAMPLE, SIZE, SUBJECTS, Json, answered, codes, faults, refused, subjects
from tests.conftest import served
from tests.requests import as_rows, posting

post = posting("/v1/regression/cox", **EXAMPLE)


def with_covariate(values: list[Any]) -> Json:
    return subjects(covariates={"age": AGE, "x": values})


class TestOverHTTP:
    pytestmark = pytest.mark.anyio

    async def test_rows_and_columns_give_the_same_answer(self, client: httpx.AsyncClient) -> None:
        columns, rows = [await post(client, subjects=form) for form in (SUBJECTS, as_rows(SUBJECTS))]
        assert columns == rows

    async def test_a_model_that_does_not_exist_is_a_422_with_the_name(self, client: httpx.AsyncClient) -> None:
        body = {"subjects": with_covariate([1] * SIZE)}
        problem = (await client.post("/v1/regression/cox", json=body)).json()
        assert (problem["status"], problem["code"]) == (422, "no_estimate")
        assert problem["detail"] == "the covariate x is constant"
        assert problem["errors"] == [{"pointer": "/subjects/covariates/x", "detail": "is constant"}]

    async def test_more_rows_than_the_limit_are_refused(self) -> None:
        async with served(create_app(Settings(max_subjects=7))) as client:
            response = await client.post("/v1/regression/cox", json=EXAMPLE)
            assert (response.status_code, response.json()["code"]) == (413, "too_many_subjects")


class TestModelsThatDoNotExist:
    @pytest.mark.parametrize(
        ("columns", "terms", "problem"),
        [
            (
                with_covariate([2 * age + 1 for age in AGE]),
                ["age", "x"],
                "are collinear among those at risk at the events",
            ),
            (with_covariate(SUBJECTS["event"]), ["x"], "separates those with events"),
            (subjects(covariates={"x": [str(row) for row in range(SIZE)]}), ["x"], "separates those with events"),
            (with_covariate([time > 35 for time in SUBJECTS["time"]]), ["x"], "separates those with events"),
        ],
        ids=["collinear", "boolean", "a level each", "a level without events"],
    )
    def test_they_are_refused_with_the_covariates_names(self, columns: Json, terms: list[str], problem: str) -> None:
        error = refused(subjects=columns)
        assert error.code == "no_estimate"
        assert [one.pointer for one in error.faults] == [f"/subjects/covariates/{term}" for term in terms]
        assert problem in error.detail

    def test_in_rows_the_pointer_is_to_the_subjects(self) -> None:
        rows = [{"time": time, "event": True, "covariates": {"x": 1}} for time in (1, 2)]
        assert faults(subjects=rows) == [("/subjects", "is constant")]

    def test_two_covariates_that_separate_together(self) -> None:
        """Neither does alone, but their sum is the largest of those at risk at each event."""
        columns = {"time": [1, 2, 3, 4], "event": [1] * 4, "covariates": {"a": [4, 0, 3, 0], "b": [0, 3, -1, 1]}}
        error = refused(subjects=columns)
        assert error.detail.startswith("the covariates a and b separate those with events")

    def test_a_constant_among_those_at_risk(self) -> None:
        """Whoever differs has left before the first event."""
        columns = {"time": [1, 2, 3, 4], "event": [0, 1, 1, 1], "covariates": {"x": [1, 0, 0, 0]}}
        assert "is constant, or has a level that is, among those at risk" in refused(subjects=columns).detail

    def test_levels_that_cannot_be_told_apart(self) -> None:
        """Of three levels one has left before the first event, so that the other two add up to a constant."""
        columns = {"time": [1, 2, 3, 4], "event": [0, 1, 1, 1], "covariates": {"x": ["a", "b", "c", "b"]}}
        assert "has levels that cannot be told apart" in refused(subjects=columns).detail

    def test_no_events(self) -> None:
        with pytest.raises(NoEstimateError, match="there are no events"):
            answered(subjects=subjects(event=[False] * SIZE))


class TestRefusals:
    @pytest.mark.parametrize(
        ("fields", "pointer", "detail"),
        [
            (
                {"l1_ratio": 0.5},
                "/l1_ratio",
                "must be 0: the lasso is not offered, as its estimates have no standard errors",
            ),
            ({"ties": "exact", "robust": True}, "/ties", "must not be exact with robust standard errors"),
            ({"penalizer": -1}, "/penalizer", "must be at least 0.0"),
        ],
    )
    def test_of_options(self, fields: Json, pointer: str, detail: str) -> None:
        assert faults(subjects=subjects(), **fields) == [(pointer, detail)]

    def test_of_exact_ties_with_clusters_unless_errors_are_not_robust(self) -> None:
        clustered = subjects(cluster=[row // 2 for row in range(SIZE)])
        assert faults(subjects=clustered, ties="exact") == [("/ties", "must not be exact with robust standard errors")]
        assert answered(subjects=clustered, ties="exact", robust=False).model.robust_score_test is None

    def test_of_exact_ties_with_sampling_weights(self) -> None:
        weighted = {"subjects": subjects(weight=[0.5] * SIZE), "weight_kind": "sampling", "ties": "exact"}
        assert faults(**weighted) == [("/ties", "must not be exact with sampling weights")]

    def test_of_exact_ties_that_would_take_too_long(self) -> None:
        with pytest.raises(InvalidParameterError):
            answered(subjects=subjects(weight=[10_000] * SIZE), ties="exact")

    def test_of_predictions_in_more_than_50_strata(self) -> None:
        """Without predictions there is a model, but no baseline."""
        size = 102
        columns = {
            "time": [1, 2] * 51,
            "event": [True] * size,
            "stratum": [row // 2 for row in range(size)],
            "covariates": {"x": [0, 1, 1, 0, 0, 1] * 17},
        }
        assert faults(subjects=columns, predict_for=[{"x": 0}]) == [
            ("/predict_for", "must be empty with more than 50 strata")
        ]
        response = answered(subjects=columns)
        assert response.baseline.strata == []
        assert response.coefficients[0].hazard_ratio == pytest.approx(0.5)


class TestHardCases:
    @pytest.mark.parametrize(("unit", "origin"), [(1e6, 0.0), (1e-6, 0.0), (365.25, 700_000.0)])
    def test_unit_and_origin_of_a_covariate_change_nothing_but_its_coefficient(
        self, unit: float, origin: float
    ) -> None:
        """So an age may be in days since whenever."""
        plain = answered(subjects=subjects())
        other = answered(subjects=subjects(covariates={"age": [age * unit + origin for age in AGE]}))
        assert other.coefficients[0].coefficient * unit == pytest.approx(plain.coefficients[0].coefficient, rel=1e-9)
        assert other.coefficients[0].z == pytest.approx(plain.coefficients[0].z)
        assert other.model.log_likelihood == pytest.approx(plain.model.log_likelihood, rel=1e-12)
        assert other.model.concordance == plain.model.concordance
        statistics = [one.statistic for one in other.proportional_hazards]
        assert statistics == pytest.approx([one.statistic for one in plain.proportional_hazards])

    def test_all_times_tied_leave_no_test_of_proportional_hazards(self) -> None:
        response = answered(subjects=subjects(time=[5] * SIZE))
        assert np.isfinite(response.coefficients[0].coefficient)
        assert {one.reason for one in response.proportional_hazards} == {
            "nothing varies among those at risk at two event times or more"
        }

    def test_all_events_at_one_time_leave_no_pairs(self) -> None:
        response = answered(subjects=subjects(time=[5] * SIZE, event=[True] * SIZE))
        assert response.model.concordance.estimate is None

    def test_a_stratum_without_events_says_nothing_and_survives(self) -> None:
        stratum = ["with" if event else "without" for event in SUBJECTS["event"]]
        request = {"predict_for": [{"age": 60}], "landmarks": [10, 500], "convention": "sas"}
        response = answered(subjects=subjects(stratum=stratum), **request)
        assert "stratum_without_events" in codes(response)
        alive = response.predictions[0].strata[1]
        assert [rate.survival for rate in alive.rates] == [1, None]
        assert (alive.stratum, alive.median.estimate) == ("without", None)
        assert response.baseline.strata[1].time == []
        events = [at for at, event in enumerate(SUBJECTS["event"]) if event]
        alone = {name: [SUBJECTS[name][at] for at in events] for name in ("time", "event")}
        only = answered(subjects=alone | {"covariates": {"age": [AGE[at] for at in events]}}, convention="sas")
        assert only.coefficients[0].coefficient == pytest.approx(response.coefficients[0].coefficient)

    def test_weights_of_a_billion(self) -> None:
        one, billion = (answered(subjects=subjects(weight=[weight] * SIZE), ties="breslow") for weight in (1, 10**9))
        error, small = (response.coefficients[0].standard_error for response in (one, billion))
        assert one.coefficients[0].coefficient == pytest.approx(billion.coefficients[0].coefficient, rel=1e-9)
        assert (error, small) != (None, None)
        assert small == pytest.approx((error or 0) / 10**4.5)

    def test_a_profile_far_away_dies_or_lives_at_once(self) -> None:
        profiles = [{"age": 1e15}, {"age": -1e15}]
        response = answered(subjects=subjects(), predict_for=profiles, landmarks=[1, 10])
        rates = [[rate.survival for rate in one.strata[0].rates] for one in response.predictions]
        assert rates == [[1, 0], [1, 1]]
        assert [(one.hazard_ratio, one.reason) for one in response.predictions] == [(None, OUT_OF_RANGE), (0, None)]

    def test_a_ratio_of_too_large_a_unit_has_none_and_says_why(self) -> None:
        (coefficient,) = answered(subjects=subjects(covariates={"age": [age * 1e-6 for age in AGE]})).coefficients
        assert coefficient.coefficient > 1000
        assert (coefficient.hazard_ratio, coefficient.reason) == (None, OUT_OF_RANGE)

    @pytest.mark.parametrize(
        ("age", "known", "reason"),
        [
            (60, [True, True, False], "no upper limit: that of survival stays above 0.5"),
            (55, [False, True, False], "not reached: survival stays above 0.5"),
            (-500, [False, False, False], "not reached: survival and its limits stay above 0.5"),
        ],
    )
    def test_a_median_says_what_is_not_reached(self, age: float, known: list[bool], reason: str | None) -> None:
        median = answered(subjects=subjects(), predict_for=[{"age": age}]).predictions[0].strata[0].median
        assert [figure is not None for figure in (median.estimate, median.lower, median.upper)] == known
        assert median.reason == reason

    def test_a_median_with_both_limits_needs_no_reason(self) -> None:
        response = answered(subjects=subjects(weight=[100] * SIZE), predict_for=[{"age": 70}])
        median = response.predictions[0].strata[0].median
        assert None not in (median.estimate, median.lower, median.upper)
        assert median.reason is None

    def test_few_clusters_have_no_robust_error(self) -> None:
        response = answered(subjects=subjects(cluster=[1] * SIZE))
        (coefficient,) = response.coefficients
        assert coefficient.standard_error is not None
        assert (coefficient.robust_standard_error, coefficient.lower, coefficient.z) == (None, None, None)
        assert coefficient.reason == "the clusters are too few for a robust variance"
        assert response.model.wald_test.reason == coefficient.reason
        assert "few_clusters" not in codes(response)


class TestOptions:
    def test_ties_are_those_of_the_convention(self) -> None:
        def coefficient(**options: str) -> float:
            tied = subjects(time=[time // 6 for time in SUBJECTS["time"]])
            return answered(subjects=tied, **options).coefficients[0].coefficient

        assert coefficient() == coefficient(ties="efron") != coefficient(ties="breslow")
        assert coefficient(convention="stata") == coefficient(ties="breslow")
        assert coefficient(convention="sas", ties="exact") == coefficient(ties="exact") != coefficient()

    def test_a_reference_level_turns_the_others_round(self) -> None:
        large, small = (
            answered(subjects=SUBJECTS, reference_levels={"size": level}, terms=["size"]).coefficients
            for level in ("large", "small")
        )
        ratios = {(one.level, one.reference): one.coefficient for one in (*large, *small)}
        assert ratios["small", "large"] == pytest.approx(-ratios["large", "small"])
        assert [one.level for one in large] == ["medium", "small"]

    def test_booleans_are_factors(self) -> None:
        (coefficient,) = answered(subjects=subjects(covariates={"old": [age > 62 for age in AGE]})).coefficients
        assert (coefficient.level, coefficient.reference) == ("true", "false")

    def test_a_penalty_has_no_tests(self) -> None:
        response = answered(subjects=with_covariate(SUBJECTS["event"]), penalizer=0.1)
        assert "penalised" in codes(response)
        tests = [response.model.likelihood_ratio_test, response.model.wald_test, *response.proportional_hazards]
        assert {test.reason for test in tests} == {"not defined for penalised coefficients"}
        assert response.model.aic is None
        assert any("ridge penalty of 0.1" in sentence for sentence in response.meta.methods)

    def test_exact_ties_have_breslows_baseline_and_no_test_of_proportional_hazards(self) -> None:
        response = answered(subjects=subjects(), ties="exact")
        assert response.proportional_hazards[0].reason == "not defined with exact ties"
        assert any("The baseline hazard is Breslow's" in sentence for sentence in response.meta.methods)

    def test_full_curves_of_many_profiles_have_a_limit(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(regression, "MAX_POINTS", 2 * SIZE - 1)
        asked: Json = {"subjects": subjects(), "predict_for": [{"age": 50}, {"age": 60}]}
        points = "make more than 39 points of full curves, profiles times rows of subjects"
        assert faults(**asked) == [("/predict_for", f"{points}: set curve to none or max_points")]
        assert answered(**asked, curve={"max_points": 5}).predictions[1].strata[0].curve is not None

    def test_curves_are_as_fine_as_asked_for(self) -> None:
        full, thin, none = (
            answered(subjects=subjects(), predict_for=[{"age": 60}], curve=curve)
            for curve in ("full", {"max_points": 3}, "none")
        )
        assert len(full.baseline.strata[0].time) > 3 >= len(thin.baseline.strata[0].time)
        assert (none.baseline.strata, none.predictions[0].strata[0].curve) == ([], None)
        curve = full.predictions[0].strata[0].curve
        assert curve is not None
        assert curve.time == full.baseline.strata[0].time

    def test_the_baseline_says_for_whom_it_is(self) -> None:
        profile = answered(subjects=SUBJECTS, reference_levels={"size": "small"}).baseline.profile
        assert profile == {"age": pytest.approx(np.mean(AGE)), "size": "small"}


def test_predictions_are_refused_for_as_many_strata_as_have_no_baseline_hazard() -> None:
    assert regression.MAX_STRATA == cox_summary.MAX_STRATA
