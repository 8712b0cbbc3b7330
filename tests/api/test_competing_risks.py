"""`POST /v1/competing-risks` over HTTP: what it refuses, by hand, and R's figures."""

from typing import Any

import httpx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analysis.competing_risks import summarize_incidences
from app.analysis.conventions import CONVENTIONS
from app.analysis.gray import gray_test
from app.analysis.observations import observe
from app.analysis.survival import SurvivalOptions
from app.api.examples import example
from app.main import create_app
from app.settings import Settings
from tests.conftest import served
from tests.references import assert_equal_to_r, blocks, reference
from tests.requests import posting
from tests.strategies import Rows, rows

EXAMPLE = example("competing_risks_request")
TIED: dict[str, list[Any]] = {"time": [1, 1, 2, 2, 3, 4, 5, 5], "cause": ["a", "b", "a", "b", None, "a", "b", None]}
R = SurvivalOptions(CONVENTIONS["r"])

pytestmark = pytest.mark.anyio

post = posting("/v1/competing-risks")


async def faults(client: httpx.AsyncClient, **body: Any) -> list[tuple[str, str]]:
    response = await client.post("/v1/competing-risks", json=body)
    assert response.status_code == 422
    return [(fault["pointer"], fault["detail"]) for fault in response.json()["errors"]]


class TestByHand:
    async def test_tied_events_of_several_causes(self, client: httpx.AsyncClient) -> None:
        """1/8 of each at 1 and at 2; of the 1/2 left, 1/3 has a at 4, and half of the 1/3 after that b at 5."""
        answer = await post(client, subjects=TIED, landmarks=[1, 2, 4, 5])
        (group,) = answer["groups"]
        first, second = group["causes"]
        assert (group["label"], first["cause"], second["cause"]) == ("all", "a", "b")
        assert [rate["cumulative_incidence"] for rate in first["rates"]] == pytest.approx(
            [1 / 8, 1 / 4, 5 / 12, 5 / 12]
        )
        assert [rate["cumulative_incidence"] for rate in second["rates"]] == pytest.approx(
            [1 / 8, 1 / 4, 1 / 4, 5 / 12]
        )
        assert answer["comparison"] is None

    async def test_the_order_of_rows_changes_no_bit(self, client: httpx.AsyncClient) -> None:
        backward = {name: column[::-1] for name, column in TIED.items()}
        assert await post(client, subjects=backward, causes=["a", "b"]) == await post(client, subjects=TIED)
        assert await post(client, subjects=TIED) == await post(client, subjects=TIED)

    async def test_causes_come_in_the_order_asked_for_also_those_without_an_event(
        self, client: httpx.AsyncClient
    ) -> None:
        answer = await post(client, subjects=TIED, causes=["c", "b", "a"])
        (group,) = answer["groups"]
        assert [(one["cause"], one["events"]) for one in group["causes"]] == [("c", 0), ("b", 3), ("a", 3)]
        warnings = {warning["code"]: warning["detail"] for warning in answer["meta"]["warnings"]}
        assert warnings["group_without_events"].endswith("all (c).")
        assert warnings["few_events"].endswith("all (b); all (a).")

    async def test_rows_and_columns_give_the_same_answer(self, client: httpx.AsyncClient) -> None:
        rows_ = [{"time": time, "cause": cause} for time, cause in zip(*TIED.values(), strict=True)]
        assert await post(client, subjects=rows_) == await post(client, subjects=TIED)

    async def test_weights_are_subjects(self, client: httpx.AsyncClient) -> None:
        twice = {name: column * 2 for name, column in TIED.items()}
        assert await post(client, subjects=TIED | {"weight": [2] * 8}) == await post(client, subjects=twice)

    async def test_a_sample_without_events_has_no_causes(self, client: httpx.AsyncClient) -> None:
        answer = await post(client, subjects={"time": [1, 2], "cause": [None, None]}, landmarks=[1])
        assert answer["groups"][0]["causes"] == []
        assert answer["groups"][0]["event_free"]["rates"][0]["survival"] == 1

    async def test_curves_are_as_fine_as_asked_for(self, client: httpx.AsyncClient) -> None:
        answer = await post(client, subjects=TIED, curve={"max_points": 3})
        (group,) = answer["groups"]
        for curve in (group["event_free"]["curve"], *(cause["curve"] for cause in group["causes"])):
            assert curve["time"] == [1, 3, 5]
        assert [cause["curve"]["events"] for cause in group["causes"]] == [[1, 1, 1], [1, 1, 1]]
        without = await post(client, subjects=TIED, curve="none")
        assert without["groups"][0]["causes"][0]["curve"] is None

    async def test_clusters_sampling_weights_and_strata_are_told_of(self, client: httpx.AsyncClient) -> None:
        subjects = EXAMPLE["subjects"]
        size = len(subjects["time"])
        clustered = await post(client, subjects=subjects | {"cluster": [row // 2 for row in range(size)]})
        assert {"few_clusters", "rows_as_independent"} <= {one["code"] for one in clustered["meta"]["warnings"]}
        assert "clusters" in clustered["meta"]["methods"][0]
        sampled = await post(client, subjects=subjects | {"weight": [0.5] * size}, weight_kind="sampling")
        assert [test["reason"] for test in sampled["comparison"]] == ["not defined with sampling weights"] * 2
        assert "sampling weights" in sampled["meta"]["methods"][0]
        stratified = await post(client, subjects=subjects | {"stratum": [row % 2 for row in range(size)]})
        assert any(sentence.endswith(", stratified.") for sentence in stratified["meta"]["methods"])
        entered = await post(client, subjects=subjects | {"entry": [0.5] * size})
        assert any("Entry was delayed" in sentence for sentence in entered["meta"]["methods"])

    async def test_a_risk_set_that_empties_early_is_told_of(self, client: httpx.AsyncClient) -> None:
        subjects = {"time": [1, 5, 6], "cause": [1, 1, None], "entry": [0, 2, 2]}
        answer = await post(client, subjects=subjects)
        assert "risk_set_emptied" in {one["code"] for one in answer["meta"]["warnings"]}


class TestRefusals:
    @pytest.mark.parametrize(
        ("fields", "expected"),
        [
            ({"causes": ["a"]}, ("/causes", "lacks a cause of the subjects")),
            ({"causes": ["a", "b", "a"]}, ("/causes/2", "is named before")),
            ({"causes": ["a", "b"], "group_order": []}, ("/group_order", "needs the column group")),
            (
                {"subjects": {"time": [1, 2], "cause": ["a", 1]}},
                ("/subjects/cause/1", "must be of the same kind as the first"),
            ),
            ({"subjects": {"time": [1], "event": [1]}}, ("/subjects/cause", "is required")),
        ],
    )
    async def test_a_fault_is_pointed_at(
        self, client: httpx.AsyncClient, fields: dict[str, Any], expected: tuple[str, str]
    ) -> None:
        assert expected in await faults(client, **{"subjects": TIED} | fields)

    @pytest.mark.parametrize("cause", [True, 1.5, "", [], 2**53])
    async def test_a_cause_is_null_a_string_or_an_integer(self, client: httpx.AsyncClient, cause: Any) -> None:
        sentence = "must be null, a string of 1 to 200 characters or an integer between -2**53 and 2**53"
        assert await faults(client, subjects={"time": [1], "cause": [cause]}) == [("/subjects/cause/0", sentence)]

    async def test_there_are_at_most_20_causes(self, client: httpx.AsyncClient) -> None:
        columns = {"time": [1] * 21, "cause": [*range(21)]}
        assert await faults(client, subjects=columns) == [("/subjects/cause", "has more than 20 causes")]

    async def test_more_rows_than_the_limit_are_refused(self) -> None:
        async with served(create_app(Settings(max_subjects=7))) as client:
            response = await client.post("/v1/competing-risks", json={"subjects": TIED})
            assert (response.status_code, response.json()["code"]) == (413, "too_many_subjects")


class TestAgainstR:
    """MASS::Melanoma, cause 1 melanoma and 2 other deaths."""

    @pytest.mark.parametrize("confidence_type", ["plain", "log", "log-log"])
    @pytest.mark.parametrize("block_id", [block["id"] for block in blocks("melanoma", "aalen_johansen")])
    async def test_incidences(self, client: httpx.AsyncClient, block_id: str, confidence_type: str) -> None:
        block = next(block for block in blocks("melanoma", "aalen_johansen") if block["id"] == block_id)
        landmarks = block["strata"][0]["landmarks"]["times"]
        answer = await post(client, **melanoma(block), confidence_type=confidence_type, landmarks=landmarks)
        for group, expected in zip(answer["groups"], block["strata"], strict=True):
            assert_equal_to_r(group["event_free"]["curve"]["time"], expected["curve"]["time"])
            for cause in group["causes"]:
                ours, theirs = cause["curve"], expected["states"][cause["cause"]]
                assert_equal_to_r(ours["cumulative_incidence"], theirs["prob"])
                assert_equal_to_r(ours["standard_error"], theirs["std_err"])
                at_landmarks = expected["landmarks"]["states"][cause["cause"]]
                for ours_too, figure in (("cumulative_incidence", "prob"), ("standard_error", "std_err")):
                    assert_equal_to_r([rate[ours_too] for rate in cause["rates"]], at_landmarks[figure])
                for limit in ("lower", "upper"):
                    assert_equal_to_r(ours[limit], theirs["ci"][confidence_type][limit])
                    limits = at_landmarks["ci"][confidence_type][limit]
                    assert_equal_to_r([rate[limit] for rate in cause["rates"]], limits)

    @pytest.mark.parametrize("block_id", ["by_group", "by_thickness_band"])
    async def test_gray(self, client: httpx.AsyncClient, block_id: str) -> None:
        block = next(block for block in blocks("melanoma", "cuminc_gray") if block["id"] == block_id)
        answer = await post(client, **melanoma(block), curve="none")
        for test, expected in zip(answer["comparison"], block["gray_test"], strict=True):
            assert test["cause"] == str(expected["cause"])
            figures = [test["statistic"], test["degrees_of_freedom"], test["p_value"]]
            assert_equal_to_r(figures, [expected["statistic"], expected["df"], expected["p_value"]])


def melanoma(block: dict[str, Any]) -> dict[str, Any]:
    """Return the request for the data of a block."""
    data, info = reference("melanoma")["columns"], reference("melanoma")["column_info"]
    request: dict[str, Any] = {
        "subjects": {"time": data["time"], "cause": [cause or None for cause in data["cause"]]},
        "causes": [1, 2],
        "time_unit": "days",
    }
    group = block["inputs"].get("group")
    if group:
        request["subjects"]["group"] = data[group]
        request["group_order"] = info[group]["levels"]
    return request


@given(rows(causes=3, group=True, stratum=None))
@settings(deadline=None)
def test_incidences_and_event_free_probability_sum_to_one(sample: Rows) -> None:
    for estimate in summarize_incidences(sample.observe(), sample.groups, 3, R, "log-log").groups:
        curves = estimate.curves
        np.testing.assert_allclose(curves.incidence.sum(axis=0) + curves.curve.survival, 1, rtol=1e-12)


@given(rows(causes=2, group=True, cluster=False), st.sampled_from([1, 2]))
@settings(deadline=None)
def test_a_sample_twice_as_two_strata_gives_twice_the_statistic_of_gray(sample: Rows, cause: int) -> None:
    alone = gray_test(sample.observe(), sample.groups, cause)
    twice = sample.take([*range(sample.size)] * 2)
    stratum = [0] * sample.size + [1] * sample.size
    test = gray_test(observe(**twice.columns() | {"stratum": stratum}), sample.groups, cause)
    assert test.degrees_of_freedom == alone.degrees_of_freedom
    np.testing.assert_allclose(test.statistic, 2 * alone.statistic, rtol=1e-9)
    assert test.reason == alone.reason
