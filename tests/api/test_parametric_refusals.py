"""`POST /v1/regression/parametric` where figures, or whole models, do not exist, and what is said of them."""

import httpx
import pytest

from tests.api.parametric_requests import PATH, SUBJECTS, WEIBULL, post, refused
from tests.requests import as_rows

pytestmark = pytest.mark.anyio


async def test_a_fit_that_does_not_converge_is_null_with_its_reason(client: httpx.AsyncClient) -> None:
    """All events are at one time in each arm, so that a Weibull model has no scale; an exponential one has its own."""
    subjects = {"time": [3, 3, 3, 7, 7], "event": [1, 1, 0, 1, 1], "covariates": {"arm": ["x", "x", "x", "y", "y"]}}
    asked = {"distributions": ["weibull", "exponential"], "predict_for": [{"arm": "x"}], "landmarks": [4]}
    answer = await post(client, subjects=subjects, **asked)
    model, exponential = answer["models"]
    assert model["reason"].startswith("the fit did not converge")
    assert (model["converged"], model["aic"], model["scale"], model["intercept"]["estimate"]) == (False, *[None] * 3)
    (coefficient,), (prediction,) = model["coefficients"], model["predictions"]
    assert (coefficient["time_ratio"], coefficient["meaning"], coefficient["reason"]) == (None, None, model["reason"])
    (rate,) = prediction["rates"]
    assert (prediction["median"]["estimate"], rate["survival"]) == (None, None)
    assert prediction["median"]["reason"] == rate["reason"] == model["reason"]
    assert (exponential["converged"], exponential["reason"]) == (True, None)
    assert [one["distribution"] for one in answer["comparison"]] == ["exponential"]


@pytest.mark.parametrize("age", [1e9, -1e9])
async def test_figures_beyond_numbers_are_null_with_a_reason(client: httpx.AsyncClient, age: float) -> None:
    """The profile lies so far out that its median over- or underflows; its survival is 1 or 0, but has no limits."""
    subjects = {"time": [2, 3, 5, 7, 8], "event": [1] * 5, "covariates": {"age": [1, 2, 2, 3, 3]}}
    answer = await post(client, subjects=subjects, predict_for=[{"age": age}], landmarks=[4], **WEIBULL)
    (prediction,) = answer["models"][0]["predictions"]
    (rate,) = prediction["rates"]
    for figures in (prediction["median"], rate):
        assert [figures[name] for name in ("standard_error", "lower", "upper")] == [None] * 3
        assert figures["reason"] == "out of the range of numbers"
    assert (prediction["median"]["estimate"], rate["survival"]) == (None, float(age > 0))


async def test_time_ratios_beyond_numbers_are_null_with_a_reason(client: httpx.AsyncClient) -> None:
    """A unit of the covariate is 1e12 of its standard deviations."""
    covariates = {"x": [1e-12, 2e-12, 2e-12, 3e-12, 1e-12]}
    for time in ([2, 3, 5, 7, 8], [8, 7, 5, 3, 2]):
        answer = await post(client, subjects={"time": time, "event": [1] * 5, "covariates": covariates}, **WEIBULL)
        (coefficient,) = answer["models"][0]["coefficients"]
        assert abs(coefficient["coefficient"]) > 1e9
        assert [coefficient[name] for name in ("time_ratio", "meaning")] == [None] * 2
        assert coefficient["reason"] == "out of the range of numbers"


async def test_models_that_do_not_exist_are_refused_with_the_covariates_to_blame(client: httpx.AsyncClient) -> None:
    time, event = SUBJECTS["time"], SUBJECTS["event"]
    age = SUBJECTS["covariates"]["age"]
    constant = {"time": time, "event": event, "covariates": {"age": age, "one": [1] * 20}}
    assert await refused(client, subjects=constant) == (
        "no_estimate",
        "the covariate one is constant",
        ["/subjects/covariates/one"],
    )
    collinear = constant | {"covariates": {"age": age, "born": [2000 - one for one in age]}}
    code, detail, pointers = await refused(client, subjects=collinear)
    assert (code, detail) == ("no_estimate", "the covariates age and born are collinear")
    assert pointers == ["/subjects/covariates/age", "/subjects/covariates/born"]
    assert (await refused(client, subjects={"time": [1], "event": [0]}))[:2] == ("no_estimate", "there are no events")


async def test_a_covariate_that_separates_is_refused_by_name(client: httpx.AsyncClient) -> None:
    """Nobody of arm y has the event; nobody of those that are left does where rows are dropped."""
    covariates = {"arm": ["x", "x", "x", "y", "y", "y"], "age": [3, 1, 2, 2, 1, None]}
    subjects = {"time": [2, 3, 5, 7, 8, 9], "event": [0, 1, 1, 0, 0, 1], "covariates": covariates}
    for sent, pointers in ((subjects, ["/subjects/covariates/arm"]), (as_rows(subjects), ["/subjects"])):
        code, detail, blamed = await refused(client, subjects=sent, missing="drop")
        assert (code, blamed) == ("no_estimate", pointers)
        assert detail.startswith("the covariate arm separates those with events from the others")
    assert (await client.post(PATH, json={"subjects": subjects, "terms": ["arm"], **WEIBULL})).status_code == 200
