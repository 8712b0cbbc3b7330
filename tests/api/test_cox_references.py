"""Every Cox model of R's files, from the request to the answer."""

import numpy as np
import pytest

from app.analysis.arrays import FloatArray
from app.schemas.cox import CoxResponse
from app.schemas.regression_response import Coefficient
from tests.api.cox_requests import MODELS, Json, answered, model, r_request
from tests.references import assert_equal_to_r, reference

RTOL = 1e-8
WITH_ZPH = [one for one in MODELS if "zph" in model(*one)]
WITH_CURVES = [one for one in MODELS if "survival_curve" in model(*one)]


def column(*values: float | None) -> FloatArray:
    return np.array(values, dtype=np.float64)


def in_r_order(response: CoxResponse, block: Json) -> list[Coefficient]:
    """Return our coefficients in the order of R's: its levels come as the data have them."""
    found = {(one.term, one.level): one for one in response.coefficients}
    assert len(found) == len(block["coefficients"])
    return [
        found[(one.get("variable", one["name"]), str(one["level"]) if "level" in one else None)]
        for one in block["coefficients"]
    ]


@pytest.mark.parametrize(("name", "block_id"), MODELS)
def test_coefficients_and_fit(name: str, block_id: str) -> None:
    block = model(name, block_id)
    response = answered(**r_request(name, block), curve="none")
    ours, theirs = in_r_order(response, block), block["coefficients"]
    figures = {"coefficient": "coef", "standard_error": "std_err"}
    if (response.model.robust_score_test is not None) == ("robust_score" in block["tests"]):
        figures |= {name: name for name in ("hazard_ratio", "z", "p_value")} | {
            "lower": "hr_lower",
            "upper": "hr_upper",
        }
    if "robust_std_err" in theirs[0]:
        figures["robust_standard_error"] = "robust_std_err"
    for figure, of_r in figures.items():
        assert_equal_to_r([getattr(one, figure) for one in ours], [one[of_r] for one in theirs], rtol=RTOL)
    fit, loglik = response.model, block["loglik"]
    if "weights" not in block["inputs"]:
        assert (fit.subjects, fit.events) == (block["n"], block["n_event"])
    assert_equal_to_r([fit.log_likelihood, fit.null_log_likelihood], [loglik["model"], loglik["null"]], rtol=1e-12)
    assert_equal_to_r(column(fit.aic), [block["aic"]], rtol=1e-12)


@pytest.mark.parametrize(("name", "block_id"), MODELS)
def test_tests_of_the_model(name: str, block_id: str) -> None:
    block = model(name, block_id)
    fit = answered(**r_request(name, block), curve="none").model
    ours = {"likelihood_ratio": fit.likelihood_ratio_test, "score": fit.score_test}
    if (fit.robust_score_test is not None) == ("robust_score" in block["tests"]):
        ours["wald"] = fit.wald_test
    if fit.robust_score_test is not None and "robust_score" in block["tests"]:
        ours["robust_score"] = fit.robust_score_test
    for test, found in ours.items():
        expected = block["tests"][test]
        assert found.degrees_of_freedom == expected["df"]
        assert_equal_to_r(
            column(found.statistic, found.p_value), [expected["statistic"], expected["p_value"]], rtol=RTOL
        )


@pytest.mark.parametrize(("name", "block_id"), MODELS)
def test_concordance(name: str, block_id: str) -> None:
    """R's error takes a row with a frequency as one subject: ours is that of the rows it stands for."""
    block = model(name, block_id)
    found = answered(**r_request(name, block), curve="none").model.concordance
    assert_equal_to_r(column(found.estimate), [block["concordance"]["c"]], rtol=1e-12)
    if "weights" not in block["inputs"] or block["inputs"]["ties"] == "efron":
        assert_equal_to_r(column(found.standard_error), [block["concordance"]["std_err"]], rtol=RTOL)


@pytest.mark.parametrize("transform", ["km", "rank", "identity"])
@pytest.mark.parametrize(("name", "block_id"), WITH_ZPH)
def test_proportional_hazards(name: str, block_id: str, transform: str) -> None:
    """R's statistic grows with the unit of weights, and its S and ranks leave them out."""
    block = model(name, block_id)
    request = r_request(name, block)
    found = answered(**request, curve="none", transform=transform).proportional_hazards
    expected = block["zph"][transform]
    weights = request["subjects"].get("weight")
    unit = np.mean(weights) if request["weight_kind"] == "sampling" else 1.0
    assert [one.term for one in found] == [*(one["term"].removeprefix("strata") for one in expected[:-1]), None]
    assert [one.degrees_of_freedom for one in found] == [one["df"] for one in expected]
    if weights is None or transform == "identity":
        ours = [one.statistic * unit for one in found if one.statistic is not None]
        assert_equal_to_r(ours, [one["chisq"] for one in expected], rtol=1e-7)


@pytest.mark.parametrize(("name", "block_id"), WITH_CURVES)
def test_predicted_survival(name: str, block_id: str) -> None:
    block = model(name, block_id)
    curves = block["survival_curve"]
    profile = {
        term: float(value) if isinstance(value, int | float) else str(value)
        for term, value in curves["profile"].items()
        if term in block["inputs"]["covariates"]
    }
    landmarks = curves["strata"][0]["landmarks"]["times"]
    (prediction,) = answered(**r_request(name, block), predict_for=[profile], landmarks=landmarks).predictions
    by_stratum = {stratum.stratum: stratum for stratum in prediction.strata}
    assert len(by_stratum) == len(curves["strata"])
    for theirs in curves["strata"]:
        ours = by_stratum[None if theirs["stratum"] == "all" else theirs["stratum"]]
        assert ours.curve is not None
        place = np.searchsorted(ours.curve.time, theirs["time"])
        assert_equal_to_r(np.array(ours.curve.time)[place], theirs["time"])
        for figure, of_r in (("survival", "surv"), ("lower", "lower"), ("upper", "upper")):
            assert_equal_to_r(np.array(getattr(ours.curve, figure))[place], theirs[of_r], rtol=RTOL)
            at_landmarks = [getattr(rate, figure) for rate in ours.rates]
            assert_equal_to_r(at_landmarks, theirs["landmarks"][of_r], rtol=RTOL)
        errors = column(*(rate.standard_error for rate in ours.rates))
        assert_equal_to_r(errors, theirs["landmarks"]["std_err"], rtol=RTOL)


def test_the_baseline_is_that_of_the_mean_subject() -> None:
    """Its survival to the power of the hazard ratio is that which is predicted for a profile."""
    block = model("lung", "efron")
    request = r_request("lung", block)
    response = answered(**request, predict_for=[block["survival_curve"]["profile"]])
    (prediction,) = response.predictions
    assert prediction.hazard_ratio is not None
    (baseline,), (predicted,) = response.baseline.strata, prediction.strata
    assert predicted.curve is not None
    np.testing.assert_allclose(
        np.array(baseline.survival) ** prediction.hazard_ratio, predicted.curve.survival, rtol=1e-12
    )
    assert reference("lung")["n_rows"] - response.meta.excluded[0].count == response.meta.subjects_used
