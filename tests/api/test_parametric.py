"""`POST /v1/regression/parametric` over HTTP, and its figures against R."""

from typing import Any

import httpx
import numpy as np
import pytest

from app.api.examples import example
from app.main import create_app
from app.settings import Settings
from tests.analysis.parametric_samples import NAMES
from tests.api.parametric_requests import EXAMPLE, PATH, SUBJECTS, WEIBULL, post, refused
from tests.conftest import served
from tests.references import assert_equal_to_r, blocks, reference
from tests.requests import as_rows, validator

ANSWER = example("regression_parametric_response")

pytestmark = pytest.mark.anyio


def rounded(value: Any) -> Any:
    """Return an answer with six digits of its numbers: the last are those of the versions of SciPy and lifelines."""
    if isinstance(value, dict):
        return {name: rounded(item) for name, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value


async def test_exponential_times_by_hand(client: httpx.AsyncClient) -> None:
    """2 events in 25.5: mean 12.75, se(log mean) = 1 / sqrt(2), median log(2) 12.75, S(10) = exp(-10 / 12.75)."""
    subjects = [{"time": 5, "event": 1}, {"time": 8.5, "event": 0}, {"time": 12, "event": True}]
    answer = await post(client, subjects=subjects, distributions=["exponential"], landmarks=[10])
    (model,) = answer["models"]
    assert model["intercept"]["estimate"] == pytest.approx(np.log(12.75))
    assert model["intercept"]["standard_error"] == pytest.approx(2**-0.5)
    assert (model["scale"], model["log_scale"], model["shape"], model["parameters"]) == (1, None, None, 1)
    assert (model["coefficients"], model["converged"], model["reason"]) == ([], True, None)
    (prediction,) = model["predictions"]
    assert prediction["profile"] == {}
    assert prediction["median"]["estimate"] == pytest.approx(np.log(2) * 12.75)
    (rate,) = prediction["rates"]
    assert (rate["time"], rate["survival"]) == (10, pytest.approx(np.exp(-10 / 12.75)))
    (ranked,) = answer["comparison"]
    assert ranked == {"distribution": "exponential", "aic": model["aic"], "difference": 0, "weight": 1}
    assert (answer["meta"]["subjects_in"], answer["meta"]["confidence_type"]) == (3, "log-log")


async def test_the_published_answer_is_that_of_the_example(client: httpx.AsyncClient) -> None:
    answer = (await client.post(PATH, json=EXAMPLE)).json()
    assert rounded(answer) == rounded(ANSWER)
    validator(PATH).validate(answer)


def test_coefficients_have_their_meaning_in_words() -> None:
    model = ANSWER["models"][1]
    age, large, _ = model["coefficients"]
    assert (age["term"], age["level"], age["reference"]) == ("age", None, None)
    assert age["time_ratio"] == pytest.approx(np.exp(age["coefficient"]))
    assert age["meaning"] == f"Times are {100 * (1 - age['time_ratio']):.3g} % shorter for each unit more of age."
    assert (large["term"], large["level"], large["reference"]) == ("size", "large", "small")
    assert large["meaning"].endswith("% shorter with size large than with size small.")


def test_models_are_compared_by_aic() -> None:
    by_aic = sorted(ANSWER["models"], key=lambda model: model["aic"])
    assert [one["distribution"] for one in ANSWER["comparison"]] == [one["distribution"] for one in by_aic]
    assert sum(one["weight"] for one in ANSWER["comparison"]) == pytest.approx(1)
    assert [one["shape"] is None for one in ANSWER["models"]] == [True] * 4 + [False]


async def test_rows_in_any_order_and_columns_give_the_same_answer(client: httpx.AsyncClient) -> None:
    asked = EXAMPLE | {"distributions": ["log-logistic"]}
    rows = as_rows(SUBJECTS)
    first = await post(client, **asked)
    assert await post(client, **asked | {"subjects": rows}) == first
    assert await post(client, **asked | {"subjects": rows[::-1]}) == first


async def test_terms_choose_covariates_down_to_none(client: httpx.AsyncClient) -> None:
    asked = {"subjects": SUBJECTS, **WEIBULL}
    one = (await post(client, **asked, terms=["age"]))["models"][0]
    assert [coefficient["term"] for coefficient in one["coefficients"]] == ["age"]
    without = {name: SUBJECTS[name] for name in ("time", "event")}
    none, bare = await post(client, **asked, terms=[]), await post(client, subjects=without, **WEIBULL)
    assert none["models"] == bare["models"]
    assert none["models"][0]["coefficients"] == []
    profiles = (await post(client, **asked, terms=[], predict_for=[{}, {}]))["models"][0]["predictions"]
    assert profiles == none["models"][0]["predictions"] * 2


@pytest.mark.parametrize("terms", [["age"], []])
async def test_clusters_ids_and_weights(client: httpx.AsyncClient, terms: list[str]) -> None:
    """Clusters change the errors alone; a row of weight 2 is two rows; ids count subjects."""
    size = len(SUBJECTS["time"])
    asked = {**WEIBULL, "terms": terms}
    ids = [f"id{place}" for place in range(size)]
    plain, clustered, by_id, robust, weighted, weighted_by_id = [
        await post(client, subjects=SUBJECTS | more, **asked, **options)
        for more, options in (
            ({}, {}),
            ({"cluster": [place // 2 for place in range(size)]}, {}),
            ({"id": ids}, {"robust": True}),
            ({}, {"robust": True}),
            ({"weight": [2] * size}, {}),
            ({"weight": [2] * size, "id": ids}, {}),
        )
    ]
    estimates = [answer["models"][0]["intercept"] for answer in (plain, clustered, by_id, robust, weighted)]
    for other in estimates[1:]:
        assert other["estimate"] == pytest.approx(estimates[0]["estimate"], rel=1e-6)
    errors = [one["standard_error"] for one in estimates]
    assert errors[2] == pytest.approx(errors[3], rel=1e-6)
    assert len({round(error, 6) for error in errors}) == 4
    assert errors[4] == pytest.approx(errors[0] / 2**0.5, rel=1e-6)
    used = [answer["meta"]["subjects_used"] for answer in (plain, by_id, weighted, weighted_by_id)]
    assert used == [size, size, 2 * size, 2 * size]
    codes = [[warning["code"] for warning in answer["meta"]["warnings"]] for answer in (plain, clustered)]
    assert "few_clusters" in codes[1]
    assert "few_clusters" not in codes[0]


async def test_robust_errors_are_by_cluster_or_else_by_subject(client: httpx.AsyncClient) -> None:
    """Whatever weights are: sampling weights have robust errors without clusters, too."""
    size = len(SUBJECTS["time"])
    cluster, weight = [place // 2 for place in range(size)], [0.5, 1.5] * (size // 2)
    ids = [f"id{place}" for place in range(size)]
    for more, options, unit in (
        ({"cluster": cluster}, {}, "cluster"),
        ({"cluster": cluster, "weight": weight}, {"weight_kind": "sampling"}, "cluster"),
        ({"weight": weight}, {"weight_kind": "sampling"}, "subject"),
        ({"id": ids}, {"robust": True}, "subject"),
        ({}, {"robust": True}, "subject"),
    ):
        answer = await post(client, subjects=SUBJECTS | more, **options, **WEIBULL)
        assert f"the robust variance by {unit} (" in " ".join(answer["meta"]["methods"])


async def test_missing_covariates_may_be_left_out(client: httpx.AsyncClient) -> None:
    covariates = {"age": [None, *SUBJECTS["covariates"]["age"][1:]]}
    subjects = SUBJECTS | {"covariates": covariates}
    code, _, pointers = await refused(client, subjects=subjects)
    assert (code, pointers) == ("invalid_body", ["/subjects/covariates/age/0"])
    meta = (await post(client, subjects=subjects, missing="drop", **WEIBULL))["meta"]
    assert (meta["subjects_in"], meta["subjects_used"]) == (20, 19)
    assert [one["count"] for one in meta["excluded"]] == [1]
    assert "missing_covariates" in [warning["code"] for warning in meta["warnings"]]


async def test_events_of_an_id_that_repeat_are_told(client: httpx.AsyncClient) -> None:
    subjects = {"id": [1, 1, 2, 3], "entry": [0, 3, 0, 0], "time": [3, 7, 5, 4], "event": [1, 1, 1, 0]}
    for ids, told in (([1, 1, 2, 3], True), ([1, 4, 2, 3], False)):
        meta = (await post(client, subjects=subjects | {"id": ids}, **WEIBULL))["meta"]
        assert ("repeated_events" in [warning["code"] for warning in meta["warnings"]]) is told
        assert meta["subjects_used"] == len(set(ids))


async def test_more_rows_than_the_limit_are_refused() -> None:
    async with served(create_app(Settings(max_subjects=3))) as client:
        response = await client.post(PATH, json=EXAMPLE)
        assert (response.status_code, response.json()["code"]) == (413, "too_many_subjects")


@pytest.mark.parametrize("name", ["lung", "veteran"])
async def test_figures_equal_those_of_r(client: httpx.AsyncClient, name: str) -> None:
    """Factors are coded as R codes them, with its first level as the reference."""
    block = next(block for block in blocks(name, "parametric") if block["id"] == "covariates")
    columns, part = reference(name)["columns"], block["inputs"]
    levels = {term: reference(name)["column_info"][term].get("levels") for term in part["covariates"]}
    profile = next(iter(block["models"].values()))["quantiles"]["profile"]

    def as_sent(term: str, value: Any) -> Any:
        return value if value is None or not levels[term] else str(value)

    answer = await post(
        client,
        subjects={
            "time": columns[part["time"]],
            "event": columns[part["event"]],
            "covariates": {term: [as_sent(term, value) for value in columns[term]] for term in levels},
        },
        reference_levels={term: of_term[0] for term, of_term in levels.items() if of_term},
        predict_for=[{term: as_sent(term, profile[term]) for term in levels}],
        missing="drop",
        distributions=[NAMES[one] for one in block["models"]],
    )
    for model, expected in zip(answer["models"], block["models"].values(), strict=True):
        by_name = {one["name"]: one for one in expected["parameters"]}
        found = {f"{one['term']}{one['level'] or ''}": one for one in model["coefficients"]}
        assert found.keys() == by_name.keys() - {"(Intercept)", "Log(scale)"}
        for term, one in found.items():
            assert_equal_to_r(one["coefficient"], by_name[term]["value"], rtol=1e-7)
            assert_equal_to_r(one["standard_error"], by_name[term]["std_err"], rtol=1e-7)
            assert_equal_to_r(one["p_value"], by_name[term]["p_value"], rtol=1e-6)
        assert_equal_to_r(model["intercept"]["estimate"], by_name["(Intercept)"]["value"], rtol=1e-7)
        assert_equal_to_r(model["log_likelihood"], expected["loglik"]["model"], rtol=1e-10)
        assert_equal_to_r(model["scale"], expected["scale"], rtol=1e-7)
        median = model["predictions"][0]["median"]
        assert_equal_to_r(median["estimate"], expected["quantiles"]["value"][1], rtol=1e-7)
        assert_equal_to_r(median["standard_error"], expected["quantiles"]["std_err"][1], rtol=1e-6)


@pytest.mark.parametrize("distribution", ["exponential", "weibull", "log-normal", "log-logistic"])
async def test_rows_that_are_all_the_same_are_answered(client: httpx.AsyncClient, distribution: str) -> None:
    """They merge to a single row, of which lifelines makes no table."""
    answer = await post(client, subjects={"time": [3, 3], "event": [1, 1]}, distributions=[distribution])
    (model,) = answer["models"]
    assert model["converged"] == (distribution == "exponential")
