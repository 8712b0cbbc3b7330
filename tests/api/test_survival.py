"""`POST /v1/survival` over HTTP; its figures are tested in tests/test_survival_references.py."""

import asyncio
from itertools import pairwise
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.api.examples import example
from app.main import create_app
from app.settings import Settings
from tests.conftest import served
from tests.references import reference
from tests.requests import as_columns, as_rows, posting

EXAMPLE = example("survival_request")
AML = EXAMPLE["subjects"]
ROWS = len(AML["time"])

pytestmark = pytest.mark.anyio

post = posting("/v1/survival")


async def test_rows_and_columns_give_the_same_answer(client: httpx.AsyncClient) -> None:
    rows = as_rows(AML)
    assert await post(client, **EXAMPLE | {"subjects": rows}) == await post(client, **EXAMPLE)


async def test_the_order_of_rows_within_groups_changes_no_bit(client: httpx.AsyncClient) -> None:
    rows = as_rows(AML)
    shuffled = sorted(rows, key=lambda row: (row["group"], -row["time"], row["event"]))
    assert await post(client, **EXAMPLE | {"subjects": as_columns(shuffled)}) == await post(client, **EXAMPLE)


@pytest.mark.parametrize("name", ["aml", "lung", "veteran", "ovarian", "kidney", "melanoma", "myeloma", "rhdnase"])
async def test_an_event_table_gives_the_bytes_of_its_rows(client: httpx.AsyncClient, name: str) -> None:
    """But for the digest: rows that say the same, sent once with their number as weight."""
    data = reference(name)["columns"]
    columns = ["time", "event", "group", *(role for role in ("entry", "stratum", "cluster") if role in data)]
    rows = [row for row in zip(*(data[column] for column in columns), strict=True) if None not in row]
    counts = {row: rows.count(row) for row in dict.fromkeys(rows)}
    table = {column: [row[place] for row in counts] for place, column in enumerate(columns)}
    options = {"tests": ["log-rank", "peto-peto"], "pairwise": {}, "landmarks": [100], "horizon": 200}
    by_row = await post(client, subjects=as_columns([dict(zip(columns, row, strict=True)) for row in rows]), **options)
    assert await post(client, subjects=table | {"weight": [*counts.values()]}, **options) == by_row


async def test_groups_come_as_they_first_appear_or_in_the_order_asked_for(client: httpx.AsyncClient) -> None:
    answer = await post(client, **EXAMPLE)
    assert [group["label"] for group in answer["groups"]] == ["Maintained", "Nonmaintained"]
    assert answer["comparison"]["hazard_ratios"][0]["reference"] == "Maintained"
    order = ["Nonmaintained", "Other", "Maintained"]
    other = await post(client, **EXAMPLE | {"group_order": order})
    assert [group["label"] for group in other["groups"]] == ["Nonmaintained", "Maintained"]
    ratios = [one["comparison"]["hazard_ratios"][0]["hazard_ratio"] for one in (answer, other)]
    assert ratios[0] * ratios[1] == pytest.approx(1)


@pytest.mark.parametrize(("values", "labels"), [([2, 10, 2], ["2", "10"]), ([True, False, True], ["true", "false"])])
async def test_labels_are_words(client: httpx.AsyncClient, values: list[Any], labels: list[str]) -> None:
    answer = await post(client, subjects={"time": [1, 2, 3], "event": [1, 1, 1], "group": values})
    assert [group["label"] for group in answer["groups"]] == labels


async def test_without_groups_there_is_no_comparison(client: httpx.AsyncClient) -> None:
    answer = await post(client, subjects={"time": [1, 2.5], "event": [True, False]})
    assert (answer["groups"], answer["comparison"]) == ([], None)
    assert answer["meta"]["time_unit"] == "months"
    one = await post(client, subjects={"time": [1, 2.5], "event": [True, False], "group": ["a", "a"]})
    assert [group["label"] for group in one["groups"]] == ["a"]
    assert one["comparison"] is None


async def test_all_kinds_of_tests_can_be_asked_for(client: httpx.AsyncClient) -> None:
    tests = [
        "gehan-breslow",
        {"name": "fleming-harrington", "rho": 0, "gamma": 1},
        {"name": "trend"},
        {"name": "trend", "scores": [0, 5]},
        {"name": "max-combo"},
    ]
    answer = await post(client, **EXAMPLE | {"tests": tests})
    found = answer["comparison"]["tests"]
    names = ["gehan-breslow", "fleming-harrington", "trend", "trend", "max-combo"]
    assert [test["name"] for test in found] == names
    assert [test["degrees_of_freedom"] for test in found] == [1, 1, 1, 1, 0]
    assert all(0 < test["p_value"] < 1 for test in found)


async def test_strata_are_counted(client: httpx.AsyncClient) -> None:
    stratum = [place % 3 for place in range(ROWS)]
    answer = await post(client, subjects=AML | {"stratum": stratum}, pairwise={"adjustment": "none"})
    assert [test["strata"] for test in answer["comparison"]["tests"]] == [3]
    assert any("stratified" in sentence for sentence in answer["meta"]["methods"])


async def test_clusters_and_sampling_weights_bring_robust_errors(client: httpx.AsyncClient) -> None:
    plain = await post(client, subjects=AML)
    clustered = await post(client, subjects=AML | {"cluster": [f"P{place // 2}" for place in range(ROWS)]})
    sampled = await post(client, subjects=AML | {"weight": [1.5] * ROWS}, weight_kind="sampling")
    for answer in (clustered, sampled):
        assert answer["overall"]["median"]["estimate"] == plain["overall"]["median"]["estimate"]
        assert [test["name"] for test in answer["comparison"]["tests"]] == ["log-rank", "robust-score"]
    assert sampled["overall"]["subjects"] == 1.5 * ROWS
    assert sampled["meta"]["subjects_in"] == ROWS
    log_rank, robust = sampled["comparison"]["tests"]
    assert log_rank["p_value"] is None
    assert "robust-score" in log_rank["reason"]
    assert 0 < robust["p_value"] < 1


async def test_a_curve_has_as_many_points_as_asked_for(client: httpx.AsyncClient) -> None:
    full = (await post(client, subjects=AML))["overall"]["curve"]
    some = (await post(client, subjects=AML, curve={"max_points": 6}))["overall"]["curve"]
    assert len(some["time"]) <= 6 < len(full["time"])
    assert (some["time"][0], some["time"][-1]) == (full["time"][0], full["time"][-1])
    assert sum(some["events"]) == sum(full["events"])
    assert (await post(client, subjects=AML, curve="none"))["overall"]["curve"] is None


async def test_a_start_time_leaves_out_who_ended_before(client: httpx.AsyncClient) -> None:
    answer = await post(client, subjects=AML, start_time=12, landmarks=[12, 30])
    before = sum(time < 12 for time in AML["time"])
    assert answer["meta"]["subjects_in"] == ROWS
    assert answer["meta"]["subjects_used"] == ROWS - before == answer["overall"]["subjects"]
    assert answer["meta"]["excluded"] == [{"reason": "follow-up ended before start_time", "count": before}]
    # The event at 12 counts, with all who are left at risk.
    assert answer["overall"]["rates"][0]["survival"] == pytest.approx(1 - 1 / (ROWS - before))


async def test_an_entry_too_near_to_its_time_is_refused(client: httpx.AsyncClient) -> None:
    body = {"subjects": {"time": [1.000000001, 2], "event": [1, 1], "entry": [1, 0]}}
    response = await client.post("/v1/survival", json=body)
    assert (response.status_code, response.json()["code"]) == (422, "invalid_observations")


async def test_more_rows_than_the_limit_are_refused() -> None:
    async with served(create_app(Settings(max_subjects=ROWS - 1))) as client:
        response = await client.post("/v1/survival", json=EXAMPLE)
        assert (response.status_code, response.json()["code"]) == (413, "too_many_subjects")
        assert (await client.get("/version")).json()["limits"]["max_subjects"] == ROWS - 1


async def test_tests_tell_their_options_and_pairs_their_test(client: httpx.AsyncClient) -> None:
    tests = [{"name": "fleming-harrington", "rho": 0, "gamma": 1}, {"name": "trend", "scores": [0, 5]}, "log-rank"]
    answer = await post(client, **EXAMPLE | {"tests": tests})
    told = [(test["rho"], test["gamma"], test["scores"]) for test in answer["comparison"]["tests"]]
    assert told == [(0, 1, None), (None, None, [0, 5]), (None, None, None)]
    assert answer["comparison"]["pairwise"][0]["name"] == "fleming-harrington"
    clustered = await post(client, subjects=AML | {"cluster": [*range(ROWS)]}, pairwise={})
    assert clustered["comparison"]["pairwise"][0]["name"] == "robust-score"


async def test_the_robust_score_test_treats_ties_by_the_convention(client: httpx.AsyncClient) -> None:
    subjects = AML | {"cluster": [place // 2 for place in range(ROWS)]}
    found = [
        (await post(client, subjects=subjects, convention=name))["comparison"]["tests"][1] for name in ("r", "sas")
    ]
    assert [test["name"] for test in found] == ["robust-score"] * 2
    assert found[0]["statistic"] != pytest.approx(found[1]["statistic"], rel=1e-6)


async def test_what_does_not_exist_has_a_reason(client: httpx.AsyncClient) -> None:
    """No events; means without an error; a single cluster."""
    subjects: dict[str, Any] = {"time": [1, 2, 3, 4], "event": [0, 0, 0, 0], "group": [*"abab"]}
    comparison = (await post(client, subjects=subjects, pairwise={}))["comparison"]
    (pair,), (difference,) = comparison["pairwise"], comparison["restricted_mean_differences"]
    assert pair["p_value"] is None
    assert "no event" in pair["reason"]
    assert difference["p_value"] is None
    assert difference["reason"] == "no p value: the standard error is 0"
    alone = {"time": [1, 2, 3, 4], "event": [1, 0, 1, 1], "cluster": [7] * 4}
    overall = (await post(client, subjects=alone, landmarks=[2]))["overall"]
    (rate,) = overall["rates"]
    reasons = [found["reason"] for found in (rate, overall["restricted_mean"], overall["median"])]
    assert all("a single cluster" in reason for reason in reasons)
    assert rate["standard_error"] is rate["lower"] is overall["restricted_mean"]["lower"] is None


async def test_carrying_forward_what_was_asked_for_is_said_aloud(client: httpx.AsyncClient) -> None:
    subjects = {"time": [1, 2, 3, 4, 5, 6], "event": [1, 0, 0, 1, 0, 0], "group": [*"ababab"]}

    async def said(**options: Any) -> str | None:
        answer = await post(client, subjects=subjects, **options)
        return next((one["detail"] for one in answer["meta"]["warnings"] if one["code"] == "carried_forward"), None)

    known = "Survival was carried forward beyond the last follow-up, where it is not known: "
    assert (
        await said(horizon=1000)
        == known + "; ".join(f"restricted mean {where}" for where in ("overall", "by group (a)", "by group (b)")) + "."
    )
    assert await said(landmarks=[5.5]) == known + "rates by group (a)."
    assert await said(horizon=1000, landmarks=[1000], convention="stata") is None
    assert await said() is None


async def test_weights_too_small_to_be_squared_are_refused(client: httpx.AsyncClient) -> None:
    subjects = {"time": [1, 2, 3, 4], "event": [1, 1, 0, 1], "group": [*"abab"], "weight": [1e-300] * 4}
    response = await client.post("/v1/survival", json={"subjects": subjects, "weight_kind": "sampling"})
    assert response.status_code == 422
    assert response.json()["errors_total"] == 4


async def test_large_frequencies_are_counted_exactly(client: httpx.AsyncClient) -> None:
    subjects = {"time": [1, 2, 3, 4, 5], "event": [0, 1, 1, 1, 0], "weight": [12 * 10**11, 1, 1, 1, 1]}
    curve = (await post(client, subjects=subjects))["overall"]["curve"]
    assert curve["at_risk"][1:] == [4, 3, 2, 1]
    assert curve["survival"] == pytest.approx([1, 3 / 4, 1 / 2, 1 / 4, 1 / 4])


values = st.integers(0, 5)


@given(st.lists(st.tuples(values, st.booleans(), st.integers(0, 2), st.integers(0, 3)), min_size=1, max_size=12))
@settings(deadline=None, max_examples=60)
def test_whatever_the_sample_the_answer_is_sound(cases: list[tuple[int, bool, int, int]]) -> None:
    """Counts add up, survival falls and stays within its limits, and nothing is NaN."""
    time, event, group, cluster = zip(*cases, strict=True)
    subjects = {"time": time, "event": event, "group": group, "cluster": cluster}

    async def ask() -> dict[str, Any]:
        async with served(create_app()) as client:
            return await post(client, subjects=subjects, landmarks=[2], risk_table_times=[0, 2, 5])

    answer = asyncio.run(ask())
    for sample in (answer["overall"], *answer["groups"]):
        assert sample["events"] + sample["censored"] == sample["subjects"]
        curve, table = sample["curve"], sample["risk_table"]
        survival = [1, *curve["survival"]]
        assert all(0 <= later <= earlier for earlier, later in pairwise(survival))
        for low, middle, high in zip(curve["lower"], curve["survival"], curve["upper"], strict=True):
            assert low is None or low - 1e-12 <= middle <= high + 1e-12
        assert [sum(row) for row in zip(table["at_risk"], table["events"], table["censored"], strict=True)] == [
            sample["subjects"]
        ] * 3
