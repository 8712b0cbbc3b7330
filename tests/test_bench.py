"""The benchmarks work, and compare what can be compared."""

from operator import itemgetter

import httpx
import pytest

from bench.client import request
from bench.load import load
from bench.markdown import figure, table
from bench.peers import naive
from bench.peers.floors import raw, validating
from bench.server import serving
from bench.service import SERVED, TAKEN, Case, measure, rows_of, sample
from tests.conftest import served
from tests.requests import Json, as_rows

SUBJECTS = sample(200, decimal=True)


@pytest.fixture
async def ours(client: httpx.AsyncClient) -> Json:
    options = {"convention": "spss", "confidence_type": "log-log"}
    response = await client.post("/v1/survival", json={"subjects": SUBJECTS, **options})
    answer: Json = response.json()
    return answer


@pytest.mark.anyio
async def test_the_naive_service_answers_the_same_question(ours: Json) -> None:
    """Where nobody survives, lifelines has limits, and we have none."""
    async with served(naive.app) as client:
        response = await client.post("/v1/survival", json={"subjects": as_rows(SUBJECTS)})
    theirs = response.json()
    assert theirs["p_value"] == pytest.approx(ours["comparison"]["tests"][0]["p_value"])
    by_label = {group["label"]: group for group in ours["groups"]}
    assert len(theirs["groups"]) == len(by_label) == 3
    for group in theirs["groups"]:
        own = by_label[group["label"]]
        assert (group["subjects"], group["events"]) == (own["subjects"], own["events"])
        assert group["median"] == own["median"]["estimate"]
        assert group["restricted_mean"] == pytest.approx(own["restricted_mean"]["estimate"])
        at = {point["time"]: point for point in group["curve"]}
        for name in ("survival", "lower", "upper"):
            known = [pair for pair in zip(own["curve"]["time"], own["curve"][name], strict=True) if pair[1] is not None]
            assert [at[time][name] for time, _ in known] == pytest.approx([value for _, value in known])
            assert len(known) > 50


@pytest.mark.anyio
async def test_the_naive_service_can_answer_all_of_it(client: httpx.AsyncClient) -> None:
    rows = sorted(as_rows(SUBJECTS), key=itemgetter("group"))  # to ours the first group is that of the first row
    own = (await client.post("/v1/survival", json={"subjects": rows})).json()
    async with served(naive.app) as naive_client:
        theirs = (await naive_client.post("/v1/survival/whole", json={"subjects": rows})).json()
    assert theirs["overall"]["median"] == own["overall"]["median"]["estimate"]
    medians = {one.get("label", ""): one["follow_up"] for one in (own["overall"], *own["groups"])}
    assert theirs["follow_up"] == {label: one["reverse_kaplan_meier"]["estimate"] for label, one in medians.items()}
    differences = [one["difference"] for one in own["comparison"]["restricted_mean_differences"]]
    assert theirs["mean_differences"] == pytest.approx(differences)
    ratios = {one["label"]: one["hazard_ratio"] for one in own["comparison"]["hazard_ratios"]}
    assert theirs["hazard_ratios"] == pytest.approx(ratios)
    assert 0 < theirs["proportional"][0] < 1


@pytest.mark.anyio
async def test_floors_take_the_bodies_of_the_service() -> None:
    async with served(raw) as client:
        assert (await client.post("/v1/survival", content=b"?")).status_code == 200
    async with served(validating) as client:
        assert (await client.post("/v1/survival", json={"subjects": SUBJECTS})).status_code == 200


def test_figures_and_tables_read_well() -> None:
    assert [figure(value) for value in (0.012345, 1, 12.345, 123.45, 12345.6)] == [
        "0.0123",
        "1",
        "12.3",
        "123",
        "12,346",
    ]
    assert list(table(("a", "b"), ("1", "2"))) == ["| a | b |", "|---|---|", "| 1 | 2 |"]


def test_a_server_is_measured() -> None:
    """Requests alone, and several at once; a large one three times."""
    sent = request("/v1/survival", b"{}")
    with serving("bench.peers.floors:raw") as server:
        for large in (False, True):
            case = Case("any", {SERVED: sent, TAKEN: sent, "another": sent}, large=large)
            measured = measure(case, {SERVED: server, TAKEN: server}, 0.2)
            assert all(one.rate > 20 and min(one.alone) > 0 for one in measured.values())
            assert [len(one.alone) == 3 for one in measured.values()] == [large, large]
            _, *rows = rows_of(case, measured)
            assert [(row[0], len(row)) for row in rows] == [(SERVED, 6), (TAKEN, 6)]
            assert rows[0][-1] == "1"


def test_a_short_load_leaves_nothing_amiss() -> None:
    """Each answer is that of a service with nothing else to do, and some were malformed."""
    report = load(1, 4, large=False)
    assert not report.tally.failures
    assert report.tally.answered
    assert report.livez
    assert all(mib > 50 for mib in report.memory)
