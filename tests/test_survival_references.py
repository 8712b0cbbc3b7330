"""`POST /v1/survival` gives R's figures: each data set is posted as a client would, and the whole answer compared."""

from typing import Any

import httpx
import numpy as np
import pytest

from tests.references import assert_equal_to_r, blocks, numbers, reference

FILES = ("aml", "lung", "veteran", "ovarian", "kidney", "melanoma", "myeloma", "rhdnase", "rats2")
ROLES = {
    "time": "time",
    "event": "event",
    "entry": "entry",
    "group": "group",
    "strata": "stratum",
    "cluster": "cluster",
    "weights": "weight",
}
TESTS = {
    "logrank": "log-rank",
    "gehan_breslow": "gehan-breslow",
    "tarone_ware": "tarone-ware",
    "peto_peto": "peto-peto",
    "modified_peto_peto": "modified-peto-peto",
}
TYPES = ("plain", "log", "log-log", "logit", "arcsin")
Answer = dict[str, Any]

pytestmark = pytest.mark.anyio


def cases(section: str) -> list[Any]:
    """Return the blocks of a section that a request can ask for: frequencies are whole numbers."""
    return [
        pytest.param(name, block, id=f"{name}-{block['id']}")
        for name in FILES
        for block in blocks(name, section)
        if block["id"] != "sampling_weighted_naive"
    ]


def cases_by_type() -> list[Any]:
    """Return the blocks of Kaplan-Meier figures, each with the types of the limits that it has."""
    return [
        pytest.param(*case.values, confidence_type, id=f"{case.id}-{confidence_type}")
        for case in cases("km")
        for confidence_type in case.values[1]["strata"][0]["landmarks"]["ci"]
    ]


def subjects(name: str, block: dict[str, Any]) -> dict[str, list[Any]]:
    """Return the columns that a block was computed from, without the rows in which one is missing."""
    columns, inputs = reference(name)["columns"], block["inputs"]
    found = {ours: columns[inputs[role]] for role, ours in ROLES.items() if role in inputs}
    rows = [row - 1 for row in block.get("rows_used", range(1, reference(name)["n_rows"] + 1))]
    rows = [row for row in rows if all(values[row] is not None for values in found.values())]
    return {name: [values[row] for row in rows] for name, values in found.items()}


async def ask(client: httpx.AsyncClient, name: str, block: dict[str, Any], **options: Any) -> Answer:
    """Post the data of a block, and return the answer with the samples in R's order as `samples`."""
    inputs = block["inputs"]
    body: dict[str, Any] = {"subjects": subjects(name, block), "time_unit": reference(name)["time_unit"], **options}
    body["confidence_level"] = block.get("conf_level", 0.95)
    if "start_time" in inputs:
        body["start_time"] = inputs["start_time"]
    if block["id"].startswith("sampling"):
        body["weight_kind"] = "sampling"
    if "group" in inputs:
        body["group_order"] = reference(name)["column_info"][inputs["group"]]["levels"]
    response = await client.post("/v1/survival", json=body)
    assert response.status_code == 200, response.text
    answer: Answer = response.json()
    return answer | {"samples": answer["groups"] or [answer["overall"]]}


def column(rows: list[dict[str, Any]], name: str) -> list[Any]:
    return [row[name] for row in rows]


def without_zero(survival: Any, figures: Any) -> Any:
    """Return R's figures but for those where S = 0: R has a clustered error of 0 there, we have none."""
    return np.where(numbers(survival) == 0, np.nan, numbers(figures))


@pytest.mark.parametrize(("name", "block"), cases("km"))
async def test_curves_and_counts(client: httpx.AsyncClient, name: str, block: dict[str, Any]) -> None:
    answer = await ask(client, name, block)
    for sample, expected in zip(answer["samples"], block["strata"], strict=True):
        assert sample["events"] == pytest.approx(expected["events"])
        assert "weights" in block["inputs"] or sample["subjects"] == expected["n"]  # R counts rows
        if "curve" not in expected:
            continue
        ours, theirs = sample["curve"], expected["curve"]
        kept = np.isin(ours["time"], theirs["time"]) if expected.get("thinned") else slice(None)
        for mine, yours in (("time", "time"), ("at_risk", "n_risk"), ("events", "n_event"), ("censored", "n_censor")):
            assert_equal_to_r(numbers(ours[mine])[kept], theirs[yours])
        assert_equal_to_r(numbers(ours["survival"])[kept], theirs["surv"])
        assert_equal_to_r(numbers(ours["standard_error"])[kept], without_zero(theirs["surv"], theirs["std_err"]))


@pytest.mark.parametrize(("name", "block", "confidence_type"), cases_by_type())
async def test_limits_quantiles_and_landmarks(
    client: httpx.AsyncClient, name: str, block: dict[str, Any], confidence_type: str
) -> None:
    first = block["strata"][0]
    answer = await ask(
        client,
        name,
        block,
        confidence_type=confidence_type,
        quantiles=first["quantiles"]["probs"],
        landmarks=first["landmarks"]["times"],
    )
    for sample, expected in zip(answer["samples"], block["strata"], strict=True):
        assert_limits(sample["curve"], expected, confidence_type)
        assert_quantiles(sample["quantiles"], expected["quantiles"], confidence_type)
        assert_landmarks(sample["rates"], expected["landmarks"], confidence_type)


def assert_limits(curve: dict[str, Any], expected: dict[str, Any], confidence_type: str) -> None:
    if confidence_type in expected.get("ci", {}):
        limits = expected["ci"][confidence_type]
        kept = np.isin(curve["time"], expected["curve"]["time"])
        for limit in ("lower", "upper"):
            theirs = without_zero(expected["curve"]["surv"], limits[limit])
            assert_equal_to_r(numbers(curve[limit])[kept], theirs)


def assert_quantiles(quantiles: list[Any], expected: dict[str, Any], confidence_type: str) -> None:
    assert_equal_to_r(column(quantiles, "estimate"), expected["value"])
    limits = expected["ci"].get(confidence_type)
    if limits is not None:
        limits = {
            **limits,
            **limits.get("ci_first_crossing", expected.get("ci_first_crossing", {}).get(confidence_type, {})),
        }
        for limit in ("lower", "upper"):
            assert_equal_to_r(column(quantiles, limit), limits[limit])


def assert_landmarks(rates: list[Any], expected: dict[str, Any], confidence_type: str) -> None:
    survival = expected["surv"]
    assert_equal_to_r(column(rates, "survival"), survival)
    assert_equal_to_r(column(rates, "standard_error"), without_zero(survival, expected["std_err"]))
    assert_equal_to_r(column(rates, "at_risk"), expected.get("n_risk_count", expected["n_risk"]))
    if confidence_type in expected["ci"]:
        for limit in ("lower", "upper"):
            assert_equal_to_r(column(rates, limit), without_zero(survival, expected["ci"][confidence_type][limit]))


@pytest.mark.parametrize(("name", "block"), [case for case in cases("km") if "rmean" in case.values[1]["strata"][0]])
async def test_restricted_means(client: httpx.AsyncClient, name: str, block: dict[str, Any]) -> None:
    """R's common horizon is our default, its individual one that of SPSS and Stata."""
    tau = block["strata"][0]["rmean"]["tau"]["tau"]
    for kind, options in (
        ("tau", {"horizon": tau}),
        ("common", {}),
        ("individual", {"convention": "stata"}),
    ):
        answer = await ask(client, name, block, **options)
        for sample, stratum in zip(answer["samples"], block["strata"], strict=True):
            mean, expected = sample["restricted_mean"], stratum["rmean"][kind]
            found = [mean["horizon"], mean["estimate"], mean["standard_error"]]
            assert_equal_to_r(found, [expected["tau"], expected["rmean"], expected["std_err"]])


@pytest.mark.parametrize(("name", "block"), cases("reverse_km"))
async def test_follow_up(client: httpx.AsyncClient, name: str, block: dict[str, Any]) -> None:
    for confidence_type in TYPES:
        answer = await ask(client, name, block, confidence_type=confidence_type)
        for sample, expected in zip(answer["samples"], block["strata"], strict=True):
            median = sample["follow_up"]["reverse_kaplan_meier"]
            at = expected["probs"].index(0.5)
            assert_equal_to_r([median["estimate"]], [expected["value"][at]])
            limits = expected["ci"][confidence_type]
            crossing = expected.get("ci_first_crossing", {}).get(confidence_type, {})
            for limit in ("lower", "upper"):
                assert_equal_to_r([median[limit]], [crossing.get(limit, limits[limit])[at]])


@pytest.mark.parametrize(("name", "block"), cases("nelson_aalen"))
async def test_cumulative_hazards(client: httpx.AsyncClient, name: str, block: dict[str, Any]) -> None:
    answer = await ask(client, name, block)
    for sample, expected in zip(answer["samples"], block["strata"], strict=True):
        ours, theirs = sample["curve"], expected["curve"]
        kept = np.isin(ours["time"], theirs["time"])
        assert_equal_to_r(numbers(ours["cumulative_hazard"])[kept], theirs["cumhaz"])
        assert_equal_to_r(numbers(ours["cumulative_hazard_standard_error"])[kept], theirs["std_chaz"])


def choice(name: str) -> Any:
    """Return how a request names one of R's tests."""
    if name in TESTS:
        return TESTS[name]
    rho, gamma = ("1", "0") if name == "peto_rho1" else name.removeprefix("fleming_harrington_").split("_")
    return {"name": "fleming-harrington", "rho": float(rho), "gamma": float(gamma)}


@pytest.mark.parametrize(("name", "block"), cases("logrank"))
async def test_tests_of_equal_hazards(client: httpx.AsyncClient, name: str, block: dict[str, Any]) -> None:
    choices = [choice(one["test"]) for one in block["tests"]]
    answer = await ask(client, name, block, tests=[*choices, {"name": "trend"}], curve="none")
    *found, trend = answer["comparison"]["tests"]
    for test, expected in zip(found, block["tests"], strict=True):
        figures = [test["statistic"], test["degrees_of_freedom"], test["p_value"]]
        assert_equal_to_r(figures, [expected["chisq"], expected["df"], expected["p_value"]])
        assert_equal_to_r(column(test["groups"], "observed"), expected["observed"])
        assert_equal_to_r(column(test["groups"], "expected"), expected["expected"])
    if "trend" in block["tests"][0]:
        expected = block["tests"][0]["trend"]
        assert_equal_to_r([trend["statistic"], trend["p_value"]], [expected["chisq"], expected["p_value"]])


@pytest.mark.parametrize(("name", "block"), [case for case in cases("logrank") if "pairwise" in case.values[1]])
async def test_tests_in_pairs(client: httpx.AsyncClient, name: str, block: dict[str, Any]) -> None:
    for test, pairs in [(test, pairs) for test, pairs in block["pairwise"].items() if test != "r_call_note"]:
        for adjustment, adjusted in (("holm", "p_holm"), ("bh", "p_bh"), ("bonferroni", "p_bonferroni")):
            options = {"pairwise": {"adjustment": adjustment}, "tests": [choice(test)], "curve": "none"}
            answer = await ask(client, name, block, **options)
            found = answer["comparison"]["pairwise"]
            names = [(one["first"], one["second"]) for one in found]
            assert names == [(one["group_1"], one["group_2"]) for one in pairs]
            assert_equal_to_r(column(found, "statistic"), column(pairs, "chisq"))
            assert_equal_to_r(column(found, "p_value"), column(pairs, "p_value"))
            assert_equal_to_r(column(found, "adjusted_p_value"), column(pairs, adjusted))


@pytest.mark.parametrize(("name", "block"), cases("rmst"))
async def test_differences_of_restricted_means(client: httpx.AsyncClient, name: str, block: dict[str, Any]) -> None:
    """R takes the later group less the reference, we take the first less the second."""
    answer = await ask(client, name, block, horizon=block["inputs"]["tau"])
    for sample, expected in zip(answer["samples"], block["groups"], strict=True):
        mean = sample["restricted_mean"]
        figures = [mean[figure] for figure in ("estimate", "standard_error", "lower", "upper")]
        assert_equal_to_r(figures, [expected[figure] for figure in ("rmst", "std_err", "lower", "upper")])
    found = {(one["first"], one["second"]): one for one in answer["comparison"]["restricted_mean_differences"]}
    for expected in block["comparisons"]:
        ours, difference, ratio = (
            found[expected["reference"], expected["comparison"]],
            expected["difference"],
            expected["ratio"],
        )
        assert_equal_to_r(
            [-ours["difference"], ours["standard_error"], -ours["upper"], -ours["lower"], ours["p_value"]],
            [difference[figure] for figure in ("estimate", "std_err", "lower", "upper", "p_value")],
        )
        assert_equal_to_r(
            [1 / ours["ratio"], 1 / ours["ratio_upper"], 1 / ours["ratio_lower"]],
            [ratio[figure] for figure in ("estimate", "lower", "upper")],
        )


@pytest.mark.parametrize(("name", "block"), cases("person_time"))
async def test_events_and_person_time(client: httpx.AsyncClient, name: str, block: dict[str, Any]) -> None:
    answer = await ask(client, name, block, curve="none")
    assert_equal_to_r(column(answer["samples"], "events"), column(block["rates"], "events"))
    assert_equal_to_r(column(answer["samples"], "person_time"), column(block["rates"], "person_time"))


class TestSPSS:
    """`spss` gives the unrounded figures of SPSS Statistics 31."""

    async def test_medians_means_and_log_rank(self, client: httpx.AsyncClient) -> None:
        columns, expected = reference("spss31")["columns"], reference("spss31")["expected"]
        subjects = {name: columns[name] for name in ("time", "event", "group")}
        body = {"subjects": subjects, "convention": "spss", "group_order": ["1", "2"]}
        answer = (await client.post("/v1/survival", json=body)).json()
        samples = {"overall": answer["overall"], **{group["label"]: group for group in answer["groups"]}}
        for label, sample in samples.items():
            for figure, ours in (("median", "median"), ("mean", "restricted_mean")):
                for name, value in expected[figure][label].items():
                    # SPSS prints limits with five decimals.
                    printed = pytest.approx(value, abs=5e-6)
                    unrounded = pytest.approx(value, rel=1e-9)
                    expected_figure = printed if name in ("lower", "upper") else unrounded
                    assert sample[ours][name] == expected_figure, (label, figure, name)
        (test,) = answer["comparison"]["tests"]
        assert test["statistic"] == pytest.approx(expected["log_rank"]["statistic"], rel=1e-9)
        assert test["degrees_of_freedom"] == expected["log_rank"]["degrees_of_freedom"]

    async def test_the_standard_errors_of_medians_of_lung(self, client: httpx.AsyncClient) -> None:
        """As SPSS gives them for R's data: all 21.772508, men 27.638737, women 46.557399."""
        block = next(block for block in blocks("lung", "km") if block["id"] == "by_group")
        answer = await ask(client, "lung", block, convention="spss", curve="none")
        medians = [sample["median"] for sample in (answer["overall"], *answer["groups"])]
        assert column(medians, "estimate") == [310, 270, 426]
        assert column(medians, "standard_error") == pytest.approx([21.772508, 27.638737, 46.557399], abs=5e-7)
