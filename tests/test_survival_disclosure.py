"""With `min_cell_count`, nobody can read the time of a single subject from an answer, however its figures are combined.

The attack: whoever tries to find a subject's time from an answer looks for the one sample that gives it. Another sample
is made here that gives the same answer to the last bit, and in which the time is another: the two cannot be told apart.
"""

from itertools import pairwise
from typing import Any

import httpx
import pytest

from app.analysis.disclosure import coarsened
from app.analysis.observations import Observations, observe
from tests.references import reference

K = 5
GROUPS = {
    "aml": None,
    "lung": "group",
    "veteran": "celltype",
    "ovarian": None,
    "kidney": "group",
    "melanoma": "group",
    "myeloma": "group",
    "rhdnase": "group",
}
OPTIONS: dict[str, Any] = {
    "min_cell_count": K,
    "tests": ["log-rank", "peto-peto", {"name": "trend"}],
    "pairwise": {},
    "quantiles": [0.1, 0.25, 0.5, 0.75, 0.9],
    "landmarks": [0, 10, 50, 100, 150, 200, 365, 1000],
    "risk_table_times": [0, 10, 50, 100, 150, 200, 365, 1000],
}
Sample = dict[str, list[Any]]

pytestmark = pytest.mark.anyio


def subjects(name: str) -> Sample:
    """Return the columns of a data set, by group and with entry where it has such columns."""
    data, group = reference(name)["columns"], GROUPS[name]
    columns = {"time": data["time"], "event": data["event"]}
    if group:
        columns["group"] = data[group]
    if "entry" in data:
        columns["entry"] = data["entry"]
    return columns


def table(observations: Observations, labels: list[str]) -> Sample:
    """Return a sample as the columns of a request."""
    columns: Sample = {
        "time": observations.time.tolist(),
        "event": observations.event.tolist(),
        "weight": observations.weights.tolist(),
    }
    if labels:
        columns["group"] = [labels[code] for code in observations.groups]
    if observations.entry is not None:
        columns["entry"] = observations.entry.tolist()
    return columns


def other_sample(columns: Sample) -> tuple[Sample, Observations]:
    """Return a sample that cannot be told from this one: in it no time is that of fewer than K subjects."""
    labels = list(dict.fromkeys(columns.get("group", [])))
    codes = [labels.index(label) for label in columns["group"]] if labels else None
    sample = observe(columns["time"], columns["event"], entry=columns.get("entry"), group=codes)
    other = coarsened(sample, max(len(labels), 1), K).observations
    assert other is not None
    return table(other, labels), other


async def ask(client: httpx.AsyncClient, columns: Sample, **options: Any) -> dict[str, Any]:
    response = await client.post("/v1/survival", json={"subjects": columns, **OPTIONS, **options})
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    answer["meta"].pop("input_sha256")
    return answer


@pytest.mark.parametrize("name", GROUPS)
async def test_another_sample_without_any_single_time_gives_the_same_answer(
    client: httpx.AsyncClient, name: str
) -> None:
    columns = subjects(name)
    order = {"group_order": list(dict.fromkeys(columns["group"]))} if "group" in columns else {}
    other, observations = other_sample(columns)
    assert await ask(client, other, **order) == await ask(client, columns, **order)
    for time, event in set(zip(observations.time.tolist(), observations.event.tolist(), strict=True)):
        at = (observations.time == time) & (observations.event == event)
        assert observations.weights[at].sum() >= K


@pytest.mark.parametrize("name", GROUPS)
async def test_a_subject_can_have_had_another_time(client: httpx.AsyncClient, name: str) -> None:
    """For every subject but those tied with K others or more, or by chance at the mean of its run."""
    columns = subjects(name)
    other, _ = other_sample(columns)
    times = set(other["time"])
    known = [time for time in columns["time"] if time in times]
    single = {time for time in known if columns["time"].count(time) < K}
    assert len(single) <= 0.05 * len(set(columns["time"]))


def small(counts: list[Any]) -> list[Any]:
    """Return the counts that are those of fewer than K subjects."""
    return [count for count in counts if count is not None and 0 < count < K]


@pytest.mark.parametrize("name", GROUPS)
async def test_no_count_nor_difference_of_counts_is_of_fewer_than_k(client: httpx.AsyncClient, name: str) -> None:
    columns = subjects(name)
    answer = await ask(client, columns)
    shown = [sample for sample in (answer["overall"], *answer["groups"]) if sample["reason"] is None]
    assert shown
    for sample in shown:
        curve, risk_table = sample["curve"], sample["risk_table"]
        counts = [sample["subjects"], sample["events"], sample["censored"], *curve["events"], *curve["censored"]]
        counts += [rate[count] for rate in sample["rates"] for count in ("at_risk", "events")]
        assert small([*counts, *curve["at_risk"], *risk_table["at_risk"]]) == []
        for column in ("events", "censored"):
            assert small([later - earlier for earlier, later in pairwise([0, *risk_table[column]])]) == []
    if answer["comparison"] is not None:
        log_rank = answer["comparison"]["tests"][0]
        assert small([group["observed"] for group in log_rank["groups"]]) == []


@pytest.mark.parametrize("name", GROUPS)
async def test_what_is_suppressed_cannot_be_had_by_subtraction(client: httpx.AsyncClient, name: str) -> None:
    answer = await ask(client, subjects(name))
    for count in ("subjects", "events", "censored"):
        total = answer["overall"][count]
        shown = sum(group[count] for group in answer["groups"] if group["reason"] is None)
        if any(group["reason"] for group in answer["groups"]):
            assert small([total - shown]) == []
        assert all(group[count] is None for group in answer["groups"] if group["reason"])


async def test_the_groups_of_aml_have_too_few_censorings_to_be_shown(client: httpx.AsyncClient) -> None:
    """4 of 11 and 1 of 12; together they have 18 events and 5 censorings."""
    data = reference("aml")["columns"]
    answer = await ask(client, {name: data[name] for name in ("time", "event", "group")})
    assert [group["reason"] for group in answer["groups"]] == ["suppressed", "suppressed"]
    assert [group["curve"] for group in answer["groups"]] == [None, None]
    assert answer["comparison"] is None
    overall = answer["overall"]
    assert (overall["events"], overall["censored"]) == (18, 5)
    assert overall["curve"]["events"] == [6, 6, 6, 0]
    (warning,) = [one for one in answer["meta"]["warnings"] if one["code"] == "suppressed"]
    assert warning["detail"].endswith("min_cell_count: Maintained, Nonmaintained.")


async def test_a_sample_too_small_tells_nothing(client: httpx.AsyncClient) -> None:
    """2 events among 7; of the 2 who ended before the start not even their number."""
    columns: Sample = {"time": [0.5, 0.7, 1, 2, 3, 4, 5, 6, 7], "event": [0, 0, 1, 1, 0, 0, 0, 0, 0]}
    answer = await ask(client, columns, start_time=1, landmarks=[2], risk_table_times=[1])
    overall = answer["overall"]
    assert overall["reason"] == overall["median"]["reason"] == overall["rates"][0]["reason"] == "suppressed"
    numbers = [overall[name] for name in ("subjects", "events", "censored", "person_time", "risk_table", "curve")]
    assert numbers == [None] * 6
    assert set(overall["follow_up"]["observed"].values()) == {None}
    assert answer["meta"]["excluded"] == [{"reason": "follow-up ended before start_time", "count": None}]
    assert (answer["meta"]["subjects_in"], answer["meta"]["subjects_used"]) == (None, 7)


async def test_nothing_else_of_an_answer_tells_of_a_subject(client: httpx.AsyncClient) -> None:
    """Not a digest to try guesses on, not the digits of a figure, not a start that was moved to somebody's time."""
    columns: Sample = {"time": [2, 3, 4, 10, 11, 12, 13, 14], "event": [1] * 8, "cluster": [*range(8)]}
    body = {"subjects": columns, "min_cell_count": 2, "start_time": 10.0000001, "curve": "none"}
    answer = (await client.post("/v1/survival", json=body)).json()
    assert answer["meta"]["input_sha256"] is None
    assert any("just before 10.0000001." in sentence for sentence in answer["meta"]["methods"])
    error = answer["overall"]["restricted_mean"]["standard_error"]
    assert error == float(f"{error:.3e}")


async def test_rows_of_a_patient_are_one_subject_also_among_the_excluded(client: httpx.AsyncClient) -> None:
    columns: Sample = {"time": [1] * 6 + [5, 6, 7, 8, 9, 10], "event": [1] * 12, "cluster": [0] * 6 + [*range(1, 7)]}
    meta = (await ask(client, columns, start_time=2, landmarks=[], risk_table_times=[]))["meta"]
    assert meta["excluded"] == [{"reason": "follow-up ended before start_time", "count": None}]
    assert meta["subjects_in"] is None


@pytest.mark.parametrize("name", ["lung", "melanoma"])
async def test_what_is_shown_is_near_the_truth(client: httpx.AsyncClient, name: str) -> None:
    """Survival is off by less than 2 %, the sum of the times by less than 0.1 %."""
    columns = subjects(name)
    exact = (await client.post("/v1/survival", json={"subjects": columns, "landmarks": [200, 365]})).json()["overall"]
    shown = (await ask(client, columns, landmarks=[200, 365]))["overall"]
    for truth, found in zip(exact["rates"], shown["rates"], strict=True):
        assert abs(truth["survival"] - found["survival"]) < 0.02
    assert found["survival"] != truth["survival"]
    assert shown["person_time"] == pytest.approx(exact["person_time"], rel=1e-3)
