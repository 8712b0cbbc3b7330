"""`POST /v1/recurrences` over HTTP, and its figures against R."""

import asyncio
from itertools import pairwise
from typing import Any

import httpx
import pytest
from hypothesis import given, settings

from app.api.examples import example
from app.main import create_app
from app.settings import Settings
from tests.analysis.recurrent_samples import Histories, histories
from tests.conftest import served
from tests.references import assert_equal_to_r, blocks, reference
from tests.requests import as_rows, posting, validator

EXAMPLE = example("recurrences_request")
SUBJECTS = EXAMPLE["subjects"]
PATH = "/v1/recurrences"
VALIDATOR = validator(PATH)

pytestmark = pytest.mark.anyio

post = posting(PATH)


def sent(sample: Histories) -> dict[str, list[Any]]:
    """Return a drawn sample as a request has it."""
    columns = sample.columns()
    return {"id": columns.pop("subject"), **columns}


async def test_the_example_by_hand(client: httpx.AsyncClient) -> None:
    """4 recurrences in 111 months and 5 in 97; until 12 months 3 of 4 subjects, and 2 (both at 8) of 4."""
    answer = await post(client, **EXAMPLE)
    first, second = answer["groups"]
    assert [group["label"] for group in answer["groups"]] == ["ablation", "resection"]
    assert (first["subjects"], first["subjects_with_recurrence"], first["recurrences"], first["deaths"]) == (4, 3, 4, 1)
    assert first["counts"] == [
        {"recurrences": 0, "subjects": 1},
        {"recurrences": 1, "subjects": 2},
        {"recurrences": 2, "subjects": 1},
    ]
    assert [group["person_time"] for group in (first, second)] == [111, 97]
    assert first["rate"]["estimate"] == pytest.approx(12 * 4 / 111)
    assert first["rate"]["per"] == 12
    assert [one["estimate"] for one in first["landmarks"]] == pytest.approx([3 / 4, 1])
    # Of the second group one of 4 dies at 11; at 14, 19 and 23 one of 3 has a recurrence: 3/4 x 1/3 more each.
    assert [one["estimate"] for one in second["landmarks"]] == pytest.approx([1 / 2, 5 / 4])
    assert [one["recurrences"] for one in second["landmarks"]] == [2, 5]
    (ratio,) = answer["comparison"]["rate_ratios"]
    assert (ratio["label"], ratio["reference"]) == ("resection", "ablation")
    assert ratio["rate_ratio"] == pytest.approx(5 / 97 * 111 / 4)
    test = answer["comparison"]["mean_cumulative_count_test"]
    assert (test["name"], test["degrees_of_freedom"], test["reason"]) == ("mean-cumulative-count", 1, None)


async def test_first_recurrences_compete_with_death(client: httpx.AsyncClient) -> None:
    answer = await post(client, **EXAMPLE)
    incidence = answer["groups"][1]["first_recurrence"]
    assert (incidence["label"], incidence["subjects"], incidence["censored"]) == ("resection", 4, 1)
    assert [cause["cause"] for cause in incidence["causes"]] == ["recurrence", "death"]
    assert [cause["rates"][1]["cumulative_incidence"] for cause in incidence["causes"]] == pytest.approx([1 / 2, 1 / 4])
    alive = {name: column for name, column in SUBJECTS.items() if name != "terminal"}
    other = await post(client, subjects=alive)
    assert [cause["cause"] for cause in other["groups"][0]["first_recurrence"]["causes"]] == ["recurrence"]


async def test_rows_and_columns_give_the_same_answer(client: httpx.AsyncClient) -> None:
    rows = as_rows(SUBJECTS)
    assert await post(client, **EXAMPLE | {"subjects": rows}) == await post(client, **EXAMPLE)


async def test_the_order_of_rows_within_groups_changes_no_bit(client: httpx.AsyncClient) -> None:
    rows = sorted(as_rows(SUBJECTS), key=lambda row: (row["group"], -row["time"], row["event"]))
    assert await post(client, **EXAMPLE | {"subjects": rows}) == await post(client, **EXAMPLE)


async def test_entries_may_be_told_or_left_out(client: httpx.AsyncClient) -> None:
    """Those left out are where the row before ends; only the origin differs, where nobody who enters is at risk."""
    rows = Histories([0, 0, 1, 1], [3, 7, 2, 5], [True, False, True, True])
    assert await post(client, subjects=sent(rows.with_entry())) == await post(client, subjects=sent(rows))


async def test_groups_come_in_the_order_asked_for(client: httpx.AsyncClient) -> None:
    answer = await post(client, **EXAMPLE | {"group_order": ["resection", "ablation"]})
    assert [group["label"] for group in answer["groups"]] == ["resection", "ablation"]
    assert answer["comparison"]["rate_ratios"][0]["reference"] == "resection"


async def test_without_groups_there_is_one_and_no_comparison(client: httpx.AsyncClient) -> None:
    answer = await post(client, subjects={"id": [1, 1, 2], "time": [2, 5, 4], "event": [1, 0, 0]})
    (group,) = answer["groups"]
    assert (group["label"], group["subjects"], answer["comparison"]) == ("all", 2, None)
    assert answer["meta"]["subjects_in"] == answer["meta"]["subjects_used"] == 2


async def test_a_curve_has_as_many_points_as_asked_for(client: httpx.AsyncClient) -> None:
    full = (await post(client, **EXAMPLE))["groups"][0]["mean_cumulative_count"]
    some = (await post(client, **EXAMPLE | {"curve": {"max_points": 3}}))["groups"][0]["mean_cumulative_count"]
    assert len(some["time"]) <= 3 < len(full["time"])
    assert (some["time"][0], some["time"][-1]) == (full["time"][0], full["time"][-1])
    assert sum(some["events"]) == sum(full["events"])
    none = (await post(client, **EXAMPLE | {"curve": "none"}))["groups"][0]
    assert none["mean_cumulative_count"] is none["first_recurrence"]["causes"][0]["curve"] is None


async def test_beyond_follow_up_counts_are_carried_forward_by_the_convention_of_r_alone(
    client: httpx.AsyncClient,
) -> None:
    estimates = {}
    for convention in ("r", "sas"):
        answer = await post(client, **EXAMPLE | {"landmarks": [100], "convention": convention})
        group = answer["groups"][0]
        (incidence,) = group["first_recurrence"]["causes"][0]["rates"]
        estimates[convention] = (group["landmarks"][0]["estimate"], incidence["cumulative_incidence"])
    assert estimates == {"r": (1.0, 0.75), "sas": (None, None)}


async def test_clusters_change_errors_and_the_test_alone(client: httpx.AsyncClient) -> None:
    """Clusters of two subjects of one group each."""
    plain = await post(client, **EXAMPLE)
    centre = [f"{name[0]}{(int(name[1]) + 1) // 2}" for name in SUBJECTS["id"]]
    clustered = await post(client, **EXAMPLE | {"subjects": SUBJECTS | {"cluster": centre}})
    for one, other in zip(plain["groups"], clustered["groups"], strict=True):
        curves = [group["mean_cumulative_count"] for group in (one, other)]
        assert curves[0]["estimate"] == curves[1]["estimate"]
        assert curves[0]["standard_error"] != curves[1]["standard_error"]
        assert one["rate"] == other["rate"]
    tests = [answer["comparison"]["mean_cumulative_count_test"]["statistic"] for answer in (plain, clustered)]
    assert tests[0] != tests[1]
    assert "recurrences of a cluster depend" in clustered["meta"]["methods"][1]
    assert "jackknife" in clustered["meta"]["methods"][4]


async def test_a_ratio_that_is_infinite_is_null(client: httpx.AsyncClient) -> None:
    subjects = {"id": [1, 2], "time": [2, 5], "event": [0, 1], "group": ["x", "y"]}
    answer = await post(client, subjects=subjects)
    (ratio,) = answer["comparison"]["rate_ratios"]
    assert (ratio["rate_ratio"], ratio["upper"]) == (None, None)
    assert ratio["lower"] > 0
    assert "infinite" in ratio["reason"]


async def test_rows_that_overlap_by_rounding_are_refused_or_made_one(client: httpx.AsyncClient) -> None:
    tied = {"id": [1, 1], "time": [0.1 + 0.2, 1], "event": [1, 0], "entry": [0, 0.3]}
    assert (await post(client, subjects=tied))["groups"][0]["person_time"] == pytest.approx(1)
    near = {"id": [1], "time": [1.000000001], "event": [1], "entry": [1]}
    response = await client.post(PATH, json={"subjects": near})
    assert (response.status_code, response.json()["code"]) == (422, "invalid_observations")


async def test_faults_have_their_pointers(client: httpx.AsyncClient) -> None:
    response = await client.post(PATH, json={"subjects": {"id": [1, 1], "time": [2, 5], "event": [0, 0]}})
    assert response.status_code == 422
    assert [fault["pointer"] for fault in response.json()["errors"]] == ["/subjects/time/1"]


async def test_more_rows_than_the_limit_are_refused() -> None:
    async with served(create_app(Settings(max_subjects=3))) as client:
        response = await client.post(PATH, json=EXAMPLE)
        assert (response.status_code, response.json()["code"]) == (413, "too_many_subjects")


@pytest.mark.parametrize("name", ["rhdnase", "rats2"])
async def test_figures_equal_those_of_r(client: httpx.AsyncClient, name: str) -> None:
    data = reference(name)["columns"]
    columns = {column: data[column] for column in ("id", "time", "event", "entry", "group")}
    mcf, rates = (next(b for b in blocks(name, part) if b["id"] == "by_group") for part in ("mcf", "person_time"))
    answer = await post(
        client,
        subjects=columns,
        landmarks=mcf["strata"][0]["landmarks"]["times"],
        group_order=[stratum["level"] for stratum in mcf["strata"]],
    )
    for group, stratum, rate in zip(answer["groups"], mcf["strata"], rates["rates"], strict=True):
        curve = group["mean_cumulative_count"]
        assert group["label"] == stratum["level"]
        assert_equal_to_r(curve["estimate"], stratum["curve"]["mcf"])
        assert_equal_to_r(curve["standard_error"], stratum["curve"]["std_err_robust"])
        for limit in ("lower", "upper"):
            expected = stratum["landmarks"]["ci_log_robust"][limit]
            assert_equal_to_r([one[limit] for one in group["landmarks"]], expected)
        assert_equal_to_r([group["rate"][key] for key in ("lower", "upper")], [rate["lower"], rate["upper"]])
    expected = [rates["rate_ratio"][key] for key in ("rate_ratio", "lower", "upper", "p_value")]
    (ratio,) = answer["comparison"]["rate_ratios"]
    assert_equal_to_r([ratio[key] for key in ("rate_ratio", "lower", "upper", "p_value")], expected)


@given(histories())
@settings(deadline=None, max_examples=60)
def test_whatever_the_sample_the_answer_is_sound(sample: Histories) -> None:
    """It is as documented, its counts add up, the mean count rises within its limits, and nothing is NaN."""

    async def ask() -> dict[str, Any]:
        async with served(create_app()) as client:
            return await post(client, subjects=sent(sample), landmarks=[0, 2.5, 9])

    answer = asyncio.run(ask())
    VALIDATOR.validate(answer | {"meta": answer["meta"] | {"input_sha256": ""}})
    assert sum(group["subjects"] for group in answer["groups"]) == max(sample.subject) + 1
    assert sum(group["recurrences"] for group in answer["groups"]) == sum(sample.event)
    for group in answer["groups"]:
        assert sum(one["subjects"] for one in group["counts"]) == group["subjects"]
        curve = group["mean_cumulative_count"]
        assert sum(curve["events"]) == group["recurrences"]
        assert all(earlier <= later for earlier, later in pairwise([0, *curve["estimate"]]))
        for low, middle, high in zip(curve["lower"], curve["estimate"], curve["upper"], strict=True):
            assert low is None or low <= middle <= high
