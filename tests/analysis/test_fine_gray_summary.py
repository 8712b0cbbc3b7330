"""All that is reported of a Fine-Gray model, put together, and what is said of it."""

from typing import Any

import numpy as np
import pytest

from app.analysis.conventions import CONVENTIONS
from app.analysis.design_matrix import NoModelError, design_of
from app.analysis.errors import NoEstimateError
from app.analysis.fine_gray_notes import fine_gray_methods, fine_gray_warnings
from app.analysis.fine_gray_summary import FineGrayOptions, FineGraySummary, summarize_fine_gray
from app.analysis.landmarks import BEYOND_FOLLOW_UP
from app.analysis.observations import observe

DESIGN = design_of({"age": [61.0, 72.0], "arm": ["a", "b"]})
AGES = np.array([[-1.0, 0], [0, 1], [1, 0], [2, 1], [0, 0], [1, 1]])
PROFILES = np.array([[0.0, 1], [2.0, 0]])
COLUMNS: dict[str, Any] = {"time": [1, 2, 3, 4, 5, 6, 7, 8], "cause": [1, 2, 1, 0, 1, 2, 1, 0]}


def summary(options: FineGrayOptions | None = None, **columns: Any) -> FineGraySummary:
    sample = {"group": [0, 1, 3, 2, 4, 5, 1, 0]} | COLUMNS | columns
    return summarize_fine_gray(observe(**sample), AGES, DESIGN, PROFILES, options or FineGrayOptions())


def warned(size: int = 60, **columns: Any) -> set[str]:
    """Return the warnings on a sample of three rows a model, of whom one has the event."""
    group = np.arange(size) * 7 % 6
    sample: dict[str, Any] = {"time": np.arange(size) + 1.0, "cause": [1, 2, 0] * (size // 3), "group": group} | columns
    return {one.code for one in fine_gray_warnings(summary(**sample))}


def test_counts_wald_test_and_baseline_profile() -> None:
    found = summary(weight=[1, 2, 3, 1, 1, 1, 1, 1])
    assert (found.events, found.competing) == (6, 3)
    model = found.model
    statistic = model.coefficient @ np.linalg.solve(model.covariance, model.coefficient)
    assert found.wald.statistic == pytest.approx(statistic, rel=1e-9)
    assert found.wald.degrees_of_freedom == 2
    ages = AGES[[0, 1, 1, 3, 3, 3, 2, 4, 5, 1, 0], 0]
    np.testing.assert_allclose(found.profile, [ages.mean(), 0], rtol=1e-12)
    np.testing.assert_allclose(found.ratios, np.exp((PROFILES - found.profile) @ model.coefficient), rtol=1e-12)


def test_rows_with_sampling_weights_are_subjects() -> None:
    found = summary(weight=[0.5] * 8, sampling=True)
    assert (found.events, found.competing) == (4, 2)


@pytest.mark.parametrize(("convention", "reason"), [("r", None), ("sas", BEYOND_FOLLOW_UP)])
def test_rates_follow_the_convention_beyond_the_last_follow_up(convention: Any, reason: str | None) -> None:
    (stratum,) = summary(FineGrayOptions(CONVENTIONS[convention], landmarks=(0.5, 5, 9))).strata
    early, middle, late = stratum.rates[1]
    assert (early.cumulative_incidence, early.reason) == (0, "no interval at 0")
    assert middle.cumulative_incidence == pytest.approx(stratum.curves.incidence[1, 2], rel=1e-12)
    assert (middle.reason, late.reason) == (None, reason)
    assert np.isnan(late.cumulative_incidence) == (reason is not None)


def test_each_stratum_has_a_baseline_also_that_without_events() -> None:
    strata = summary(stratum=[0, 0, 0, 0, 0, 0, 0, 1]).strata
    assert [one.code for one in strata] == [0, 1]
    assert [one.baseline.time.tolist() for one in strata] == [[1, 3, 5, 7], []]


def test_with_over_50_strata_there_are_no_baselines() -> None:
    size = 153
    found = summary(
        time=np.arange(size) + 1,
        cause=[1, 1, 0] * 51,
        group=np.arange(size) * 7 % 6,
        stratum=np.repeat(np.arange(51), 3),
    )
    assert found.strata == []


def test_without_a_robust_variance_there_is_no_wald_test() -> None:
    test = summary(cluster=[0, 1] * 4).wald
    assert np.isnan(test.statistic)
    assert test.reason == "the clusters are too few for a robust variance"


def test_the_covariate_without_a_maximum_is_named() -> None:
    with pytest.raises(NoModelError, match="the covariate age separates") as refused:
        summary(time=[1, 2, 3, 4], cause=[1, 1, 0, 0], group=[3, 2, 1, 4])
    assert refused.value.terms == ["age"]


def test_without_events_of_interest_there_is_no_model() -> None:
    with pytest.raises(NoEstimateError, match="no events"):
        summary(cause=[2, 0] * 4)


def test_nothing_is_said_where_all_is_well() -> None:
    assert warned() == set()


@pytest.mark.parametrize(
    ("code", "columns"),
    [
        ("few_events", {"size": 57}),
        ("no_competing_events", {"cause": [1, 0, 0] * 20}),
        ("stratum_without_events", {"stratum": [0] * 59 + [1]}),
        ("few_clusters", {"cluster": [row % 19 for row in range(60)]}),
    ],
)
def test_a_warning_where_it_is_due(code: str, columns: dict[str, Any]) -> None:
    assert warned(**columns) == {code}


def test_more_coefficients_than_events_are_told_of() -> None:
    """The one with the event is in the middle of the others: with one event the model of two covariates exists."""
    corners = np.array([[0, 0], [-1, -1], [-1, 1], [1, -1], [1, 1.0]])
    sample = observe([1, 2, 3, 4, 5], [1, 2, 0, 0, 0], group=range(5))
    found = summarize_fine_gray(sample, corners, DESIGN, PROFILES, FineGrayOptions())
    assert {one.code for one in fine_gray_warnings(found)} == {"few_events", "more_coefficients_than_events"}


def test_left_out_and_repeated_rows_are_told_of() -> None:
    found = {one.code: one.detail for one in fine_gray_warnings(summary(), dropped="3 of 9", repeated=True)}
    assert found["missing_covariates"].endswith("3 of 9.")
    assert "covariates_carried_forward" in found


def test_methods_tell_of_ties_strata_entry_clusters_and_predictions() -> None:
    plain = " ".join(fine_gray_methods(observe([1, 2], [1, 2]), FineGrayOptions(), predictions=False))
    assert "Breslow's treatment of ties" in plain
    assert "clustered by subject" in plain
    for word in ("Predicted", "Entry", "stratum", "product-limit"):
        assert word not in plain
    sample = observe([1, 2], [1, 2], entry=[0, 1], stratum=[0, 1], cluster=[0, 1])
    rich = " ".join(fine_gray_methods(sample, FineGrayOptions(ties="efron"), "cluster", predictions=True))
    for words in ("Efron's treatment", "Predicted", "Entry was delayed", "each stratum", "product-limit", "by cluster"):
        assert words in rich
