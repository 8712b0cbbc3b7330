"""Answers as CSV: the figures of the JSON answer, and no others."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import httpx
import pytest

from app.api.convert_adtte import PARAMCD
from app.schemas.endpoints import EndpointName
from tests.requests import as_columns

EXAMPLES = Path(__file__).parents[2] / "examples"
AS_CSV = {"Accept": "text/csv"}
BALE = json.loads((EXAMPLES / "bale2018.json").read_text("utf-8"))
ASKED: dict[str, Any] = {
    "survival": json.loads((EXAMPLES / "survival_request.json").read_text("utf-8")),
    "competing-risks": json.loads((EXAMPLES / "competing_risks_request.json").read_text("utf-8")),
    "outcomes": BALE | {"endpoints": ["overall_survival", "local_progression"], "landmarks": [12], "curve": "full"},
}
Row = dict[str, str]

pytestmark = pytest.mark.anyio


async def table(client: httpx.AsyncClient, path: str, body: Any, **query: str) -> list[Row]:
    answer = await client.post(f"/v1/{path}", json=body, headers=AS_CSV, params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["vary"] == "Accept"
    assert answer.text.count("\r\n") == answer.text.count("\n")
    return list(csv.DictReader(io.StringIO(answer.text, newline=""), strict=True))


async def answered(client: httpx.AsyncClient, path: str, body: Any) -> Any:
    answer = await client.post(f"/v1/{path}", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def numbers(value: Any) -> Iterator[float]:
    """Yield every number inside a JSON value."""
    if isinstance(value, dict | list):
        for child in value.values() if isinstance(value, dict) else value:
            yield from numbers(child)
    elif isinstance(value, int | float):
        yield float(value)


def picked(rows: list[Row], **cells: str) -> list[Row]:
    return [row for row in rows if cells.items() <= row.items()]


def assert_holds(row: Row, figures: Any, *names: str) -> None:
    """Assert that the cells of a row are the figures of a JSON object, null being empty."""
    for name in names:
        assert row[name] == ("" if figures[name] is None else str(figures[name]))


OF_INTEREST = {
    "cancer_specific_survival": "disease",
    "time_to_progression": "progression",
    "local_progression": "local recurrence",
    "time_to_untreatable_progression": "untreatable progression",
}
LIMITS = ("standard_error", "lower", "upper", "reason")


class TestSurvival:
    async def test_the_summary(self, client: httpx.AsyncClient) -> None:
        """One line a quantity, of all subjects and of each group."""
        answer = await answered(client, "survival", ASKED["survival"])
        rows = await table(client, "survival", ASKED["survival"])
        assert rows == await table(client, "survival", ASKED["survival"], table="summary")
        for label, one in [("", answer["overall"]), *((group["label"], group) for group in answer["groups"])]:
            of = picked(rows, group=label, reference="")
            (median,) = picked(of, quantity="median")
            assert_holds(median, one["median"], "estimate", *LIMITS)
            quantiles = picked(of, quantity="quantile")
            for row, quantile in zip(quantiles, one["quantiles"], strict=True):
                assert_holds(row | {"probability": row["at"]}, quantile, "probability", "estimate", *LIMITS)
            rates = picked(of, quantity="survival")
            for row, rate in zip(rates, one["rates"], strict=True):
                assert_holds(row | {"time": row["at"], "survival": row["estimate"]}, rate, "time", "survival", *LIMITS)
            (mean,) = picked(of, quantity="restricted_mean")
            assert_holds(mean | {"horizon": mean["at"]}, one["restricted_mean"], "horizon", "estimate", *LIMITS)

    async def test_the_comparison(self, client: httpx.AsyncClient) -> None:
        asked = ASKED["survival"] | {
            "tests": ["log-rank", {"name": "fleming-harrington", "rho": 0.5}],
            "pairwise": {"adjustment": "holm"},
        }
        comparison = (await answered(client, "survival", asked))["comparison"]
        rows = await table(client, "survival", asked)
        (ratio,) = picked(rows, quantity="hazard_ratio")
        assert_holds(
            ratio | {"group": "", "reference": ""}, comparison["hazard_ratios"][0], "lower", "upper", "p_value"
        )
        assert (ratio["group"], ratio["reference"]) == ("Nonmaintained", "Maintained")
        test, weighted = comparison["tests"]
        (row,) = picked(rows, quantity="log-rank", group="")
        assert_holds(row | {"statistic": row["estimate"]}, test, "statistic", "degrees_of_freedom", "p_value")
        (row,) = picked(rows, quantity="fleming-harrington (rho 0.5, gamma 0)")
        assert_holds(row, weighted, "p_value")
        (row,) = picked(rows, quantity="log-rank, adjusted")
        assert row["p_value"] == str(comparison["pairwise"][0]["adjusted_p_value"])

    async def test_the_curve(self, client: httpx.AsyncClient) -> None:
        answer = await answered(client, "survival", ASKED["survival"])
        rows = await table(client, "survival", ASKED["survival"], table="curve")
        for label, one in [("", answer["overall"]), *((group["label"], group) for group in answer["groups"])]:
            columns = as_columns(picked(rows, group=label))
            assert columns.pop("group") == [label] * len(one["curve"]["time"])
            found = {name: [float(cell) if cell else None for cell in column] for name, column in columns.items()}
            assert found == one["curve"]

    async def test_without_groups_or_curve(self, client: httpx.AsyncClient) -> None:
        asked = {"subjects": {"time": [1, 2], "event": [1, 0]}, "curve": "none"}
        assert await table(client, "survival", asked, table="curve") == []
        assert {row["group"] for row in await table(client, "survival", asked)} == {""}

    async def test_a_table_in_and_a_table_out(self, client: httpx.AsyncClient) -> None:
        body, headers = "time;event;group\n1,5;1;=A\n2;0;=A\n", AS_CSV | {"Content-Type": "text/csv"}
        answer = await client.post("/v1/survival?table=curve", content=body, headers=headers)
        assert [line.split(",")[:2] for line in answer.text.split("\r\n")[3:5]] == [["'=A", "1.5"], ["'=A", "2.0"]]


class TestCompetingRisks:
    async def test_the_summary(self, client: httpx.AsyncClient) -> None:
        answer = await answered(client, "competing-risks", ASKED["competing-risks"])
        rows = await table(client, "competing-risks", ASKED["competing-risks"])
        for group in answer["groups"]:
            for cause in group["causes"]:
                of = picked(rows, group=group["label"], cause=cause["cause"])
                (median,) = picked(of, quantity="median")
                assert_holds(median, cause["median"], "estimate", *LIMITS)
                for row, rate in zip(picked(of, quantity="cumulative_incidence"), cause["rates"], strict=True):
                    renamed = row | {"time": row["at"], "cumulative_incidence": row["estimate"]}
                    assert_holds(renamed, rate, "time", "cumulative_incidence", *LIMITS)
        for row, test in zip(picked(rows, quantity="gray"), answer["comparison"], strict=True):
            assert_holds(row | {"statistic": row["estimate"]}, test, "cause", "statistic", "p_value", "reason")

    async def test_the_curve(self, client: httpx.AsyncClient) -> None:
        """Of each group the event-free probability, then each cause; they add up to 1."""
        answer = await answered(client, "competing-risks", ASKED["competing-risks"])
        rows = await table(client, "competing-risks", ASKED["competing-risks"], table="curve")
        group = answer["groups"][0]
        for cause, curve, name in [
            ("", group["event_free"]["curve"], "survival"),
            *((one["cause"], one["curve"], "cumulative_incidence") for one in group["causes"]),
        ]:
            found = picked(rows, group=group["label"], cause=cause)
            assert [float(row["time"]) for row in found] == curve["time"]
            assert [float(row["estimate"]) for row in found] == curve[name]
        at = picked(rows, group=group["label"], time=found[-1]["time"])
        assert sum(float(row["estimate"]) for row in at) == pytest.approx(1)


class TestOutcomes:
    async def test_the_summary(self, client: httpx.AsyncClient) -> None:
        answer = await answered(client, "outcomes", ASKED["outcomes"])
        rows = await table(client, "outcomes", ASKED["outcomes"])
        primary = answer["technical_success"]["primary"]
        (share,) = picked(rows, outcome="primary_success", quantity="proportion", grouping="")
        assert_holds(share | {"proportion": share["estimate"]}, primary, "proportion", "lower", "upper")
        (clustered,) = picked(rows, outcome="primary_success", quantity="proportion, clustered", grouping="")
        assert_holds(clustered, primary["cluster_adjusted"], "standard_error", "lower", "upper")
        (unknown,) = picked(rows, outcome="mortality_90_day", quantity="unknown")
        assert unknown["estimate"] == str(answer["safety"]["mortality_90_day"]["unknown"])
        for endpoint in answer["endpoints"]:
            (median,) = picked(rows, outcome=endpoint["endpoint"], quantity="median", grouping="", cause="")
            assert_holds(median, endpoint["estimate"]["median"], "estimate", *LIMITS)
            (grouping, *_) = endpoint["groupings"]
            about = {"outcome": endpoint["endpoint"], "grouping": grouping["name"], "reference": ""}
            (test,) = picked(rows, quantity="log-rank", **about)
            assert_holds(test, grouping["comparison"]["tests"][0], "p_value")
            for group in grouping["groups"]:
                (events,) = picked(rows, quantity="events", at="", cause="", group=group["label"], **about)
                assert events["estimate"] == str(group["events"])

    async def test_no_line_is_said_twice(self, client: httpx.AsyncClient) -> None:
        rows = await table(client, "outcomes", ASKED["outcomes"])
        keys = [tuple(row[name] for name in row if name not in LIMITS[:3]) for row in rows]
        assert len({*keys}) == len(keys)

    async def test_the_curves(self, client: httpx.AsyncClient) -> None:
        answer = await answered(client, "outcomes", ASKED["outcomes"])
        rows = await table(client, "outcomes", ASKED["outcomes"], table="curve")
        survival, local = answer["endpoints"]
        for endpoint, quantity, curve, name in [
            (survival, "survival", survival["estimate"]["curve"], "survival"),
            (local, "survival", local["estimate"]["curve"], "survival"),
            (local, "event_free", local["cumulative_incidence"]["event_free"]["curve"], "survival"),
        ]:
            found = picked(rows, outcome=endpoint["endpoint"], quantity=quantity, grouping="")
            assert [float(row["estimate"]) for row in found] == curve[name]

    async def test_a_cohort_without_units_of_an_end_point(self, client: httpx.AsyncClient) -> None:
        """Its counts say so; it has no estimate."""
        session = {"id": "1", "time": 0, "complications": [{"system": "CTCAE", "grade": "3"}]}
        lesion = {"id": "a", "session_id": "1", "primary_success": False, "secondary_success": False}
        patient = {"id": "A", "follow_up": 9, "died": False, "sessions": [session], "lesions": [lesion]}
        rows = await table(client, "outcomes", {"cohort": {"patients": [patient]}})
        found = picked(rows, outcome="local_progression")
        assert [(row["quantity"], row["estimate"], row["reason"]) for row in found] == [
            ("excluded", "1", "never completely ablated")
        ]
        (graded,) = picked(rows, outcome="complications")
        assert (graded["grouping"], graded["group"], graded["estimate"]) == ("CTCAE", "3", "1")


@pytest.mark.parametrize("choice", ["summary", "curve"])
@pytest.mark.parametrize(
    ("path", "more"), [("survival", {}), ("survival", {"min_cell_count": 5}), ("competing-risks", {}), ("outcomes", {})]
)
async def test_no_figure_is_in_a_table_only(client: httpx.AsyncClient, path: str, more: Any, choice: str) -> None:
    """What is suppressed in the JSON answer is in no table."""
    known = {*numbers(await answered(client, path, ASKED[path] | more))}
    rows = await table(client, path, ASKED[path] | more, table=choice)
    told = {
        float(row[name]) for row in rows for name in ("at", "time", "estimate", *LIMITS[:3], "p_value") if row.get(name)
    }
    assert told
    assert told <= known


async def test_another_table_is_refused(client: httpx.AsyncClient) -> None:
    response = await client.post("/v1/survival?table=risk", json=ASKED["survival"], headers=AS_CSV)
    assert (response.status_code, response.json()["code"]) == (422, "invalid_parameter")


class TestADTTE:
    async def test_by_hand(self, client: httpx.AsyncClient) -> None:
        """A lesion recurred at 3, a death at 9 competes, and one still alive at 5."""
        session, lesion = {"id": "1", "time": 0}, {"id": "a", "session_id": "1", "primary_success": True}
        dead = {"id": "A", "follow_up": 9, "died": True, "cause_of_death": "disease", "sessions": [session]}
        lesions = [lesion | {"recurrences": [{"time": 3}]}, lesion | {"id": "=b"}]
        alive = {"id": "B", "follow_up": 5, "died": False, "sessions": [session], "lesions": [lesion]}
        cohort = {"patients": [dead | {"lesions": lesions}, alive], "time_unit": "weeks"}
        names = ["overall_survival", "local_progression"]
        rows = await table(client, "endpoints", {"cohort": cohort, "endpoints": names})
        assert list(rows[0]) == [
            "USUBJID",
            "PARAMCD",
            "PARAM",
            "AVAL",
            "AVALU",
            "CNSR",
            "EVNTDESC",
            "CNSDTDSC",
            "LESID",
        ]
        assert [",".join(row.values()) for row in rows] == [
            "A,OS,Overall survival,9.0,WEEKS,0,death,,",
            "B,OS,Overall survival,5.0,WEEKS,1,,last follow-up,",
            "A,TTLTP,Local progression,3.0,WEEKS,0,local recurrence,,a",
            "A,TTLTP,Local progression,9.0,WEEKS,2,death,death,'=b",
            "B,TTLTP,Local progression,5.0,WEEKS,1,,last imaging,a",
        ]

    def test_codes_are_those_that_the_standard_takes(self) -> None:
        assert set(PARAMCD) == {*get_args(EndpointName)}
        assert len({*PARAMCD.values()}) == len(PARAMCD)
        assert all(code.isupper() and code.isalnum() and len(code) <= 8 for code in PARAMCD.values())

    @pytest.mark.parametrize("name", get_args(EndpointName))
    async def test_there_and_back(self, client: httpx.AsyncClient, name: EndpointName) -> None:
        """The table, sent to `POST /v1/survival`, gives the figures of the rows; competing events are censored."""
        asked = {"cohort": BALE["cohort"]}
        text = (await client.post("/v1/endpoints", json=asked, headers=AS_CSV)).text
        answer = await client.post(
            "/v1/survival", params={"paramcd": PARAMCD[name]}, content=text, headers={"Content-Type": "text/csv"}
        )
        (found,) = (await answered(client, "endpoints", asked | {"endpoints": [name]}))["endpoints"]
        rows = found["rows"]
        if "cause" in rows:
            first = {"time_to_progression": "progression", "local_progression": "local recurrence"}
            first |= {
                "cancer_specific_survival": "disease",
                "time_to_untreatable_progression": "untreatable progression",
            }
            rows["event"] = [cause == first[name] for cause in rows["cause"]]
        subjects = {"time": rows["time"], "event": rows["event"]}
        assert answer.json() == await answered(client, "survival", {"subjects": subjects, "time_unit": "months"})
