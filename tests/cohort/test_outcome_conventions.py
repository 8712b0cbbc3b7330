"""Outcomes by the conventions of each package: the table of the contract, a row a test."""

from math import exp, log, sqrt
from typing import Any

import pytest

from tests.cohort.builders import Json, answered, cohort_json, patient_json
from tests.cohort.outcome_samples import CONVENTIONS, Z


class TestConventions:
    def survival(self, convention: str, *follow_ups: float, **fields: Any) -> Json:
        """Return overall survival of patients, those with a time below 0 being alive at it."""
        patients = [patient_json(abs(time), died=time > 0) for time in follow_ups]
        found: Json = answered(cohort_json(*patients), convention=convention, **fields)["endpoints"][0]["estimate"]
        return found

    def by_arm(self, convention: str, **arms: list[float]) -> Json:
        patients = [
            patient_json(abs(time), died=time > 0, covariates={"arm": label})
            for label, times in arms.items()
            for time in times
        ]
        grouping = {"name": "arm", "unit": "patient", "variable": "covariates.arm"}
        found = answered(cohort_json(*patients), convention=convention, groupings=[grouping])
        result: Json = found["endpoints"][0]["groupings"][0]
        return result

    @pytest.mark.parametrize(
        ("convention", "lower"),
        [
            ("r", 0.75 * exp(-Z * sqrt(1 / 12))),
            ("sas", 0.75 ** exp(-Z * sqrt(1 / 12) / log(0.75))),
            ("spss", 0.75 - Z * 0.75 * sqrt(1 / 12)),
            ("stata", 0.75 ** exp(-Z * sqrt(1 / 12) / log(0.75))),
        ],
    )
    def test_interval_of_survival(self, convention: str, lower: float) -> None:
        """One of four dies: the variance of log S is 1 / 12."""
        assert self.survival(convention, 1, -2, -2, -2, landmarks=[1])["rates"][0]["lower"] == pytest.approx(lower)

    @pytest.mark.parametrize("convention", CONVENTIONS)
    def test_an_interval_that_is_asked_for_overrides_the_convention(self, convention: str) -> None:
        found = self.survival(convention, 1, -2, -2, -2, landmarks=[1], confidence_type="plain")
        assert found["rates"][0]["lower"] == pytest.approx(0.75 - Z * 0.75 * sqrt(1 / 12))

    @pytest.mark.parametrize(("convention", "median"), [("r", 2.5), ("sas", 2.5), ("spss", 2), ("stata", 2)])
    def test_quantile_where_survival_hits_the_level(self, convention: str, median: float) -> None:
        assert self.survival(convention, 1, 2, 3, 4)["median"]["estimate"] == median

    @pytest.mark.parametrize(("convention", "median"), [("r", 102.5), ("sas", None), ("spss", 87), ("stata", 87)])
    def test_quantile_on_a_flat_to_the_end(self, convention: str, median: float | None) -> None:
        times = (54, 75, 77, 84, 87, -92, -103, -105, -112, -118)
        assert self.survival(convention, *times)["median"]["estimate"] == median

    def test_interval_of_the_median(self) -> None:
        """Inversion of the band of survival, but for SPSS, which takes 1.96 standard errors."""
        found = {name: self.survival(name, *range(1, 14)) for name in CONVENTIONS}
        for name in ("r", "sas", "stata"):
            median, curve = found[name]["median"], found[name]["curve"]
            assert median["estimate"] == 7
            for limit in ("lower", "upper"):
                band = zip(curve["time"], curve[limit], strict=True)
                assert median[limit] == next((t for t, value in band if value is not None and value <= 0.5), None)
        median = found["spss"]["median"]
        assert median["upper"] - 7 == pytest.approx(1.96 * median["standard_error"], rel=1e-14)
        assert median["lower"] - 7 == pytest.approx(-1.96 * median["standard_error"], rel=1e-14)
        limits = {name: (one["median"]["lower"], one["median"]["upper"]) for name, one in found.items()}
        assert limits["sas"] == limits["stata"]
        assert len(set(limits.values())) == 3

    @pytest.mark.parametrize(
        ("convention", "horizon", "mean"), [("r", 6, 4), ("sas", 2, 2), ("spss", 4, 3), ("stata", 4, 3)]
    )
    def test_horizon_of_the_mean(self, convention: str, horizon: float, mean: float) -> None:
        """Of deaths at 2 and 2 and the living at 4 and 4, beside a group that is followed to 6."""
        found = self.by_arm(convention, A=[2, 2, -4, -4], B=[3, 3, -6])["groups"][0]["restricted_mean"]
        assert (found["horizon"], found["estimate"]) == (horizon, pytest.approx(mean))

    @pytest.mark.parametrize(("convention", "factor"), [("r", 1), ("sas", 3 / 2), ("spss", 1), ("stata", 1)])
    def test_factor_in_the_variance_of_the_mean(self, convention: str, factor: float) -> None:
        """Deaths at 1, 2, 3: areas of 1 and 1/3 after the first two, the variance is 1 / 6 + (1 / 9) / 2 = 2 / 9."""
        found = self.survival(convention, 1, 2, 3)["restricted_mean"]
        assert found["estimate"] == pytest.approx(2)
        assert found["standard_error"] ** 2 == pytest.approx(factor * 2 / 9)

    @pytest.mark.parametrize(("convention", "known"), [("r", True), ("sas", False), ("spss", False), ("stata", False)])
    def test_survival_after_the_last_follow_up(self, convention: str, known: bool) -> None:
        rate = self.survival(convention, 1, -2, landmarks=[5])["rates"][0]
        assert rate["survival"] == (0.5 if known else None)
        assert rate["reason"] == (None if known else "beyond the last follow-up, where it is not known")

    @pytest.mark.parametrize("convention", CONVENTIONS)
    def test_ties_of_the_cox_model(self, convention: str) -> None:
        """At 1 die one of two in A and both of B, then the other of A.

        Breslow's likelihood is x^2 / (2 + 2 x)^3, greatest at 2. Efron's is
        x^2 / [(2 + 2 x) (5 / 3 + 4 x / 3) (4 / 3 + 2 x / 3)].
        """
        (found,) = self.by_arm(convention, A=[1, 2], B=[1, 1])["comparison"]["hazard_ratios"]
        x = found["hazard_ratio"]
        assert (found["label"], found["reference"]) == ("B", "A")
        if convention == "r":
            assert 2 / x == pytest.approx(1 / (1 + x) + 4 / (5 + 4 * x) + 1 / (2 + x))
        else:
            assert x == pytest.approx(2)
