"""Parametric models of a sample: their comparison by AIC, and what is said aloud of them."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from app.analysis import parametric_maximum, parametric_notes
from app.analysis.arrays import FloatArray
from app.analysis.design_matrix import Design, DesignColumn, NoModelError, design_of
from app.analysis.hypothesis_test import TOO_FEW_CLUSTERS
from app.analysis.parametric_notes import meaning, parametric_methods, parametric_warnings
from app.analysis.parametric_summary import ParametricOptions, ParametricSummary, summarize_parametric
from tests.analysis.parametric_samples import DISTRIBUTIONS, aligned, of_block
from tests.references import blocks

NOTHING = Design([], {})
NOBODY = np.empty((0, 0))


@pytest.fixture(autouse=True, scope="module")
def without_lifelines() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parametric_maximum, "lifelines_fit", lambda *_: None)
        yield


def summary(
    time: Any = range(1, 13), event: Any = (1,) * 12, profiles: FloatArray = NOBODY, **options: Any
) -> ParametricSummary:
    """Return the models of the intercept alone."""
    columns = {name: options.pop(name) for name in ("cluster", "weight", "sampling", "entry") if name in options}
    sample, covariates = aligned(time, event, [], **columns)
    return summarize_parametric(sample, covariates, NOTHING, profiles, ParametricOptions(**options))


def codes(of: ParametricSummary, **told: Any) -> list[str]:
    return [caution.code for caution in parametric_warnings(of, **told)]


def details(of: ParametricSummary, **told: Any) -> dict[str, str]:
    return {caution.code: caution.detail for caution in parametric_warnings(of, **told)}


def test_models_are_compared_by_aic_as_r_has_it() -> None:
    block = blocks("lung", "parametric")[0]
    sample, covariates = of_block("lung", block)
    found = summarize_parametric(sample, covariates, NOTHING, covariates[:0])
    aic = sorted(model["aic"] for model in block["models"].values())
    assert [ranked.aic for ranked in found.comparison] == pytest.approx(aic, rel=1e-10)
    assert [ranked.difference for ranked in found.comparison] == pytest.approx([one - aic[0] for one in aic], abs=1e-6)
    likelihood = np.exp((aic[0] - np.array(aic)) / 2)
    weights = [ranked.weight for ranked in found.comparison]
    assert weights == pytest.approx((likelihood / likelihood.sum()).tolist(), rel=1e-6)
    assert found.comparison[0].distribution == "weibull"
    assert found.events == 165


def test_models_come_in_the_order_asked_for_with_what_they_predict() -> None:
    asked = ("log-normal", "exponential")
    found = summary(profiles=np.empty((2, 0)), distributions=asked, landmarks=(1.0, 2.0, 0.0))
    assert [one.model.distribution for one in found.models] == [*asked]
    assert [one.medians.estimate.shape for one in found.models] == [(2, 1)] * 2
    assert [one.survival.upper.shape for one in found.models] == [(2, 3)] * 2


def test_without_convergence_there_is_nothing_to_compare() -> None:
    found = summary([1, 3], [0, 1], distributions=("weibull", "log-normal"))
    assert found.comparison == []
    assert "weibull; log-normal" in details(found)["not_converged"]


def test_covariates_that_cannot_be_told_apart_are_named() -> None:
    values = {"age": [1.0, 2.0, 3.0, 4.0], "born": [9.0, 8.0, 7.0, 6.0]}
    design = design_of(values)
    sample, covariates = aligned([1, 2, 3, 4], [1, 1, 1, 1], design.matrix(values))
    with pytest.raises(NoModelError, match="age and born are collinear"):
        summarize_parametric(sample, covariates, design, covariates)


def test_a_covariate_that_separates_is_named() -> None:
    values: dict[str, list[Any]] = {"arm": ["x", "x", "x", "y"], "age": [1.0, 3.0, 2.0, 2.0]}
    design = design_of(values)
    sample, covariates = aligned([1, 2, 3, 4], [1, 1, 1, 0], design.matrix(values))
    with pytest.raises(NoModelError, match="arm separates"):
        summarize_parametric(sample, covariates, design, covariates)


@pytest.mark.parametrize(
    ("ratio", "expected"),
    [
        (1.2, "20 % longer"),
        (0.5, "50 % shorter"),
        (1.0, "0 % longer"),
        (9.99, "899 % longer"),
        (25.0, "25 times as long"),
    ],
)
def test_time_ratios_in_words(ratio: float, expected: str) -> None:
    assert meaning(DesignColumn("age"), ratio) == f"Times are {expected} for each unit more of age."
    joined = "as" if "as long" in expected else "than"
    words = f"Times are {expected} with treated true {joined} with treated false."
    assert meaning(DesignColumn("treated", True, False), ratio) == words


@pytest.mark.parametrize("ratio", [np.nan, np.inf])
def test_no_ratio_no_words(ratio: float) -> None:
    assert meaning(DesignColumn("age"), ratio) is None


def test_a_sound_model_gives_no_warning() -> None:
    assert codes(summary()) == []


def test_few_events_are_told_for_each_coefficient() -> None:
    assert details(summary(event=[1] * 9 + [0] * 3))["few_events"].endswith(": 9 for 1.")
    values = {f"x{place}": [float(row ** (place + 1) % 7) for row in range(12)] for place in range(3)}
    design = design_of(values)
    sample, covariates = aligned(range(1, 13), [1, 1] + [0] * 10, design.matrix(values))
    options = ParametricOptions(("exponential",))
    found = summarize_parametric(sample, covariates, design, covariates[:0], options)
    assert codes(found)[:2] == ["few_events", "more_coefficients_than_events"]


def test_events_are_sums_of_frequencies_but_not_of_sampling_weights() -> None:
    weight = [1] * 11 + [5]
    assert summary(weight=weight).events == 16
    assert summary(weight=weight, sampling=True).events == 12


def test_what_is_left_out_and_repeated_is_told() -> None:
    assert "12 of 24" in details(summary(), dropped="12 of 24")["missing_covariates"]
    assert codes(summary(), repeated=True) == ["repeated_events"]
    assert codes(summary(robust=True), repeated=True) == ["rows_as_independent"]


def test_clusters_are_told_where_they_are_few_and_where_they_do_not_count() -> None:
    assert codes(summary(cluster=[0, 1, 2, 3] * 3)) == ["few_clusters", "rows_as_independent"]
    many = summary(range(1, 26), [1] * 25, cluster=range(25))
    assert codes(many) == ["rows_as_independent"]


def test_few_clusters_are_told_of_models_that_have_robust_errors() -> None:
    """Two are enough for one parameter; one is for none, as the reason of each model says."""
    two = summary(cluster=[0, 1] * 6, distributions=("exponential", "weibull"))
    assert details(two)["few_clusters"].endswith("too small: exponential.")
    assert [one.model.reason for one in two.models] == [None, TOO_FEW_CLUSTERS]
    one = summary(cluster=[0] * 12, distributions=("exponential",))
    assert codes(one) == ["rows_as_independent"]
    assert one.models[0].model.reason == TOO_FEW_CLUSTERS


def test_predictions_beyond_the_last_follow_up_are_told() -> None:
    censored = [1] * 10 + [0] * 15
    found = summary([*range(1, 11)] + [11] * 15, censored, np.empty((1, 0)), landmarks=(5.0, 20.0))
    told = details(found)["extrapolated"]
    assert "survival at 20; exponential median of profile 1" in told
    assert "survival at 5" not in told
    unasked = summary([*range(1, 11)] + [11] * 15, censored, landmarks=(20.0,))
    assert "extrapolated" not in codes(unasked)


def test_methods_say_what_was_done() -> None:
    plain = " ".join(parametric_methods(summary(distributions=DISTRIBUTIONS[:4])))
    for words in ("log-logistic (logistic W)", "20 % longer", "hazard ratio", "observed information", "Akaike"):
        assert words in plain
    for words in ("lifelines", "robust", "delayed", "delta method"):
        assert words not in plain


def test_methods_say_what_else_was_done() -> None:
    found = summary(
        profiles=np.empty((1, 0)),
        distributions=("log-normal",),
        entry=[0.5] * 12,
        cluster=range(12),
        confidence_level=0.9,
    )
    text = " ".join(parametric_methods(found, "cluster"))
    for words in ("robust variance by cluster", "Entry was delayed", "delta method", "90 %"):
        assert words in text
    assert "hazard ratio" not in text
    assert "robust variance by subject" in " ".join(parametric_methods(found))


def test_methods_name_the_models_that_may_have_several_maxima(monkeypatch: pytest.MonkeyPatch) -> None:
    late = summary(entry=[0.5] * 12, distributions=("exponential", "weibull"))
    for found, names in ((late, "weibull"), (summary(distributions=DISTRIBUTIONS), "generalized-gamma")):
        text = " ".join(parametric_methods(found))
        assert f"may have several maxima ({names})" in text
        assert "where lifelines arrives" in text
    monkeypatch.setattr(parametric_notes, "MAX_ROWS", 11)
    assert "climbed was taken." in " ".join(parametric_methods(late))
