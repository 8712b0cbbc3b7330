"""`POST /v1/regression/fine-gray` over HTTP: R's figures, what the answer does not depend on, and what is refused."""

from typing import Any

import httpx
import pytest

from app.analysis.intervals import OUT_OF_RANGE
from app.api.examples import example
from app.main import create_app
from app.settings import Settings
from tests.conftest import served
from tests.references import assert_equal_to_r, blocks, reference
from tests.requests import posting

EXAMPLE = example("regression_fine_gray_request")
PATH = "/v1/regression/fine-gray"
SIZE = len(EXAMPLE["subjects"]["time"])
BLOCKS = {block["id"]: block for block in blocks("melanoma", "fine_gray")}
NAMES = {
    "coefficient": "coef",
    "standard_error": "std_err",
    "subdistribution_hazard_ratio": "subhazard_ratio",
    "lower": "shr_lower",
    "upper": "shr_upper",
    "z": "z",
    "p_value": "p_value",
}

pytestmark = pytest.mark.anyio


post = posting(PATH, **EXAMPLE)


def subjects(**columns: Any) -> dict[str, Any]:
    return {"subjects": EXAMPLE["subjects"] | columns}


def without_meta(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: part for name, part in answer.items() if name != "meta"}


class TestAgainstR:
    """MASS::Melanoma, cause 1 melanoma and 2 other deaths."""

    @pytest.mark.parametrize("ties", ["breslow", "efron"])
    @pytest.mark.parametrize("block_id", BLOCKS)
    async def test_every_figure(self, client: httpx.AsyncClient, block_id: str, ties: str) -> None:
        block = BLOCKS[block_id]
        data, predicted = reference("melanoma")["columns"], block["crr"].get("predicted_cif")
        answer = await post(
            client,
            subjects={
                "time": data["time"],
                "cause": [cause or None for cause in data["cause"]],
                "covariates": {name: data[name] for name in block["inputs"]["covariates"]},
            },
            cause=block["inputs"]["failcode"],
            ties=ties,
            reference_levels={
                name: reference("melanoma")["column_info"][name]["levels"][0]
                for name in block["inputs"]["covariates"]
                if "levels" in reference("melanoma")["column_info"][name]
            },
            time_unit="days",
            predict_for=[predicted["profile"]] if predicted else [],
            landmarks=predicted["times"] if predicted else [],
        )
        coefficients, expected = answer["coefficients"], block["crr"]["coefficients"]
        assert [one["term"] + (one["level"] or "") for one in coefficients] == [one["name"] for one in expected]
        for ours, theirs in NAMES.items():
            assert_equal_to_r([one[ours] for one in coefficients], [one[theirs] for one in expected], rtol=1e-7)
        fixed = [one["std_err"] for one in block[f"finegray_coxph_{ties}"]["coefficients"]]
        assert_equal_to_r([one["fixed_weights_standard_error"] for one in coefficients], fixed, rtol=1e-8)
        assert_equal_to_r(answer["model"]["log_likelihood"], block["crr"]["pseudo_loglik"])
        assert_equal_to_r(answer["model"]["null_log_likelihood"], block["crr"]["pseudo_loglik_null"])
        assert answer["model"]["events"] == block["n_cause"]
        counts = (answer["model"][name] for name in ("events", "competing", "censored"))
        assert sum(counts) == answer["model"]["subjects"] == block["n"]
        rates = answer["predictions"][0]["strata"][0]["rates"] if predicted else []
        cif = predicted["cif"] if predicted else []
        assert_equal_to_r([rate["cumulative_incidence"] for rate in rates], cif, rtol=1e-8)


class TestAnswers:
    async def test_the_example(self, client: httpx.AsyncClient) -> None:
        answer = await post(client)
        assert [(one["term"], one["level"], one["reference"]) for one in answer["coefficients"]] == [
            ("age", None, None),
            ("size", "large", "small"),
            ("size", "medium", "small"),
        ]
        assert answer["cause"] == "local recurrence"
        assert answer["baseline"] == {
            "profile": {"age": pytest.approx(sum(EXAMPLE["subjects"]["covariates"]["age"]) / SIZE), "size": "small"},
            "strata": [],
        }
        assert [one["profile"] for one in answer["predictions"]] == EXAMPLE["predict_for"]
        for prediction in answer["predictions"]:
            (stratum,) = prediction["strata"]
            assert stratum["curve"] is None
            for rate in stratum["rates"]:
                assert 0 < rate["lower"] < rate["cumulative_incidence"] < rate["upper"] < 1

    async def test_curves_rates_and_ratios_agree(self, client: httpx.AsyncClient) -> None:
        answer = await post(client, curve="full")
        (baseline,) = answer["baseline"]["strata"]
        for prediction in answer["predictions"]:
            (stratum,) = prediction["strata"]
            curve = stratum["curve"]
            for rate in stratum["rates"]:
                last = [value for time, value in zip(*curve.values(), strict=True) if time <= rate["time"]][-1]
                assert rate["cumulative_incidence"] == pytest.approx(last, rel=1e-12)
            base, ratio = baseline["cumulative_incidence"], prediction["subdistribution_hazard_ratio"]
            expected = [1 - (1 - value) ** ratio for value in base]
            assert curve["cumulative_incidence"] == pytest.approx(expected, rel=1e-9)
        coarse = await post(client, curve={"max_points": 3})
        assert len(coarse["baseline"]["strata"][0]["time"]) <= 3

    async def test_the_order_of_rows_changes_no_bit(self, client: httpx.AsyncClient) -> None:
        columns = {name: column[::-1] for name, column in EXAMPLE["subjects"].items() if name != "covariates"}
        covariates = {name: column[::-1] for name, column in EXAMPLE["subjects"]["covariates"].items()}
        backward = await post(client, **subjects(**columns, covariates=covariates))
        assert backward == await post(client)

    async def test_weights_are_subjects(self, client: httpx.AsyncClient) -> None:
        rows = [
            {
                "time": EXAMPLE["subjects"]["time"][place],
                "cause": EXAMPLE["subjects"]["cause"][place],
                "covariates": {name: column[place] for name, column in EXAMPLE["subjects"]["covariates"].items()},
            }
            for place in range(SIZE)
        ]
        assert await post(client, **subjects(weight=[2] * SIZE)) == await post(client, subjects=rows * 2)

    async def test_strata_and_clusters(self, client: httpx.AsyncClient) -> None:
        answer = await post(client, **subjects(stratum=[row % 2 for row in range(SIZE)]), curve="full")
        assert [one["stratum"] for one in answer["baseline"]["strata"]] == ["0", "1"]
        assert [one["stratum"] for one in answer["predictions"][0]["strata"]] == ["0", "1"]
        clusters = [row // 2 for row in range(SIZE)]
        clustered, by_id = await post(client, **subjects(cluster=clusters)), await post(client)
        assert "few_clusters" in {one["code"] for one in clustered["meta"]["warnings"]}
        assert clustered["coefficients"][0]["standard_error"] != by_id["coefficients"][0]["standard_error"]
        assert clustered["coefficients"][0]["coefficient"] == by_id["coefficients"][0]["coefficient"]

    async def test_rows_of_an_id_are_one_subject(self, client: httpx.AsyncClient) -> None:
        """Each follow-up is cut in two: the first rows end with no event, and the second start where these end."""
        columns = EXAMPLE["subjects"]
        half = [time / 2 for time in columns["time"]]
        cut = {
            "time": half + columns["time"],
            "entry": [0] * SIZE + half,
            "cause": [None] * SIZE + columns["cause"],
            "id": [*range(SIZE)] * 2,
            "covariates": {name: column * 2 for name, column in columns["covariates"].items()},
        }
        answer, whole = await post(client, subjects=cut), await post(client)
        for ours, theirs in zip(answer["coefficients"], whole["coefficients"], strict=True):
            for name in NAMES:
                assert ours[name] == pytest.approx(theirs[name], rel=1e-7)
        for part in (answer, whole):
            part["model"] |= part["model"].pop("wald_test")
        assert answer["model"] == pytest.approx(whole["model"])
        assert "covariates_carried_forward" in {one["code"] for one in answer["meta"]["warnings"]}

    async def test_incomplete_rows_may_be_left_out(self, client: httpx.AsyncClient) -> None:
        covariates = EXAMPLE["subjects"]["covariates"]
        missing = covariates | {"age": [None, *covariates["age"][1:]]}
        answer = await post(client, **subjects(covariates=missing), missing="drop")
        assert (answer["meta"]["subjects_in"], answer["meta"]["subjects_used"]) == (SIZE, SIZE - 1)
        assert "missing_covariates" in {one["code"] for one in answer["meta"]["warnings"]}

    async def test_a_profile_far_away_has_the_event_at_once(self, client: httpx.AsyncClient) -> None:
        profile = EXAMPLE["predict_for"][0] | {"age": -1e15}
        (predicted,) = (await post(client, predict_for=[profile], landmarks=[0, 5], curve="full"))["predictions"]
        assert (predicted["subdistribution_hazard_ratio"], predicted["reason"]) == (None, OUT_OF_RANGE)
        (stratum,) = predicted["strata"]
        assert [rate["cumulative_incidence"] for rate in stratum["rates"]] == [0, 1]
        assert stratum["curve"]["cumulative_incidence"][-1] == 1

    async def test_with_too_few_clusters_errors_are_null_with_a_reason(self, client: httpx.AsyncClient) -> None:
        answer = await post(client, **subjects(cluster=[row % 2 for row in range(SIZE)]))
        for one in answer["coefficients"]:
            assert [one[name] for name in ("standard_error", "lower", "upper", "z", "p_value")] == [None] * 5
            assert one["reason"] == "the clusters are too few for a robust variance"
        assert answer["model"]["wald_test"]["statistic"] is None
        assert answer["predictions"][0]["strata"][0]["rates"][0]["lower"] is None


class TestRefusals:
    async def test_the_covariate_that_leaves_no_model_is_named(self, client: httpx.AsyncClient) -> None:
        covariates = EXAMPLE["subjects"]["covariates"]
        twice = covariates | {"born": [100 - age for age in covariates["age"]]}
        response = await client.post(PATH, json=EXAMPLE | subjects(covariates=twice) | {"predict_for": []})
        assert (response.status_code, response.json()["code"]) == (422, "no_estimate")
        pointers = {fault["pointer"] for fault in response.json()["errors"]}
        assert pointers == {"/subjects/covariates/age", "/subjects/covariates/born"}

    async def test_infinite_weights_are_refused(self, client: httpx.AsyncClient) -> None:
        late = {
            "time": [1, 2, 4, 5],
            "cause": ["b", "a", "a", None],
            "entry": [0, 0, 3, 3],
            "covariates": {"age": [61, 72, 55, 60]},
        }
        response = await client.post(PATH, json={"subjects": late, "cause": "a"})
        assert (response.status_code, response.json()["code"]) == (422, "no_estimate")

    async def test_a_fault_is_pointed_at(self, client: httpx.AsyncClient) -> None:
        response = await client.post(PATH, json=EXAMPLE | {"cause": "other"})
        assert response.status_code == 422
        fault = {"pointer": "/cause", "detail": "is no cause of the subjects"}
        assert response.json()["errors"] == [fault]

    async def test_more_rows_than_the_limit_are_refused(self) -> None:
        async with served(create_app(Settings(max_subjects=SIZE - 1))) as client:
            response = await client.post(PATH, json=EXAMPLE)
            assert (response.status_code, response.json()["code"]) == (413, "too_many_subjects")
