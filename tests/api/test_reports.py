"""Reports over HTTP: chosen by Accept, with every figure of the JSON answer to the same request."""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from app.main import create_app
from app.rendering.words import ratio
from app.settings import Settings
from tests.api.figures import FOLDER
from tests.conftest import served
from tests.rendering.reports import Read, read_html, read_markdown

HTML, MARKDOWN = "text/html", "text/markdown"
PATH = "/v1/outcomes"
SMALL: dict[str, Any] = json.loads((FOLDER / "examples" / "outcomes_request.json").read_text("utf-8"))
BALE: dict[str, Any] = json.loads((FOLDER / "examples" / "bale2018.json").read_text("utf-8"))
READERS = {HTML: read_html, MARKDOWN: read_markdown}

pytestmark = pytest.mark.anyio


async def report(client: httpx.AsyncClient, body: dict[str, Any], accept: str) -> httpx.Response:
    response = await client.post(PATH, json=body, headers={"accept": accept})
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == f"{accept}; charset=utf-8"
    assert response.headers["vary"] == "Accept"
    return response


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("*/*", "application/json"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", HTML),
        ("text/*", MARKDOWN),
        ("text/markdown;q=0.4, text/html;q=0.5", HTML),
        ("application/json;q=0.5, text/markdown", MARKDOWN),
        ("image/png, text/html;q=0.1", HTML),
    ],
)
async def test_accept_chooses(accept: str, media_type: str, client: httpx.AsyncClient) -> None:
    answer = await client.post(PATH, json=SMALL, headers={"accept": accept})
    assert answer.status_code == 200
    assert answer.headers["content-type"].partition(";")[0] == media_type
    assert answer.headers["vary"] == "Accept"


async def test_what_is_no_report_is_406(client: httpx.AsyncClient) -> None:
    answer = await client.post(PATH, json=SMALL, headers={"accept": "text/html;q=0, image/svg+xml"})
    assert (answer.status_code, answer.json()["code"]) == (406, "not_acceptable")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["vary"] == "Accept"


@pytest.mark.parametrize("accept", READERS)
@pytest.mark.parametrize(("body", "status"), [("{", 400), ('{"cohort": {"patients": []}}', 422)])
async def test_errors_stay_problems(accept: str, body: str, status: int, client: httpx.AsyncClient) -> None:
    headers = {"content-type": "application/json", "accept": accept}
    answer = await client.post(PATH, content=body, headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


async def test_too_many_patients_have_no_report(anyio_backend: str) -> None:
    async with served(create_app(Settings(max_patients=2))) as client:
        answer = await client.post(PATH, json=SMALL, headers={"accept": HTML})
    assert (answer.status_code, answer.json()["code"]) == (413, "too_many_subjects")


async def test_a_browser_is_told_to_load_nothing(client: httpx.AsyncClient) -> None:
    answer = await report(client, SMALL, HTML)
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "script" not in policy
    assert "img-src data:" in policy
    assert "content-security-policy" not in (await report(client, SMALL, MARKDOWN)).headers


@pytest.mark.parametrize("accept", READERS)
async def test_the_same_request_has_the_same_bytes(accept: str, client: httpx.AsyncClient) -> None:
    one, other = [await report(client, SMALL, accept) for _ in range(2)]
    assert one.content == other.content


@pytest.mark.parametrize("accept", READERS)
async def test_without_curves_there_are_no_figures(accept: str, client: httpx.AsyncClient) -> None:
    """A report tells no more than the JSON answer to the request."""
    found = READERS[accept]((await report(client, SMALL | {"curve": "none"}, accept)).text)
    assert not any(caption.startswith("Figure") for caption in found.captions)
    assert "img" not in found.tags


async def test_both_reports_name_the_same_figures(client: httpx.AsyncClient) -> None:
    one, other = [READERS[accept]((await report(client, BALE, accept)).text) for accept in READERS]
    assert one.captions == other.captions
    assert one.rows == other.rows
    assert sum(caption.startswith("Figure") for caption in one.captions) == 7


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every object of a JSON value."""
    if isinstance(value, dict):
        yield value
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else []:
        yield from objects(one)


def limits(figures: dict[str, Any], factor: float = 1) -> str:
    """Return the limits of a JSON figure as tables have them."""
    if figures["lower"] is None:
        return "not estimable"
    upper = "not reached" if figures["upper"] is None else f"{factor * figures['upper']:.1f}"
    return f"{factor * figures['lower']:.1f} to {upper}"


def with_error(figures: dict[str, Any]) -> str:
    """Return a JSON time with its error and its limits."""
    if figures["estimate"] is None:
        return "not reached" + ("" if figures["lower"] is None else f" ({limits(figures)})")
    error = "" if figures["standard_error"] is None else f" ± {figures['standard_error']:.1f}"
    return f"{figures['estimate']:.1f}{error} ({limits(figures)})"


def p(value: float | None) -> str:
    return "not estimable" if value is None else "< 0.001" if value < 0.001 else f"{value:.3f}"


Shown = tuple[list[str], str | None]


def shown(answer: dict[str, Any]) -> Iterator[Shown]:
    """Yield the rows, but for their names, that the figures of a JSON answer have in tables, and their reasons."""
    for one in objects({name: answer[name] for name in ("technical_success", "local_recurrence", "safety")}):
        if "proportion" in one and one["total"]:
            yield [f"{one['count']}/{one['total']} ({100 * one['proportion']:.1f} %)", limits(one, 100)], None
        if "outcome" in one:
            yield [p(one["p_value"])], one["reason"]
    for endpoint in answer["endpoints"]:
        for one in objects(endpoint):
            yield from shown_of_endpoint(one, competing=endpoint["cumulative_incidence"] is not None)


def shown_of_endpoint(one: dict[str, Any], *, competing: bool) -> Iterator[Shown]:
    """Yield those of an object in an end point."""
    if "restricted_mean" in one and not competing:
        figures = [with_error(one["median"]), with_error(one["restricted_mean"])]
        row = [*(f"{one[name]:g}" for name in ("subjects", "events", "censored")), *figures]
        yield row, one["median"]["reason"]
        yield [], one["restricted_mean"]["reason"]
        yield from map(rate_row, one["rates"])
    elif "cause" in one and "rates" in one:
        yield [f"{one['events']:g}", with_error(one["median"])], one["median"]["reason"]
        yield from map(rate_row, one["rates"])
    elif "degrees_of_freedom" in one:
        yield [f"{one['statistic']:.2f}", f"{one['degrees_of_freedom']}", p(one["p_value"])], one["reason"]
    elif "hazard_ratio" in one:
        exists = one["hazard_ratio"] is not None
        between = f"{ratio(one['lower'])} to {ratio(one['upper'])}" if exists else ""
        estimate = f"{ratio(one['hazard_ratio'])} ({between})" if exists else "not estimable"
        yield [estimate, p(one["p_value"])], one["reason"]
    elif "difference" in one and not competing:
        yield [f"{one['horizon']:.1f}", f"{one['difference']:.1f} ({limits(one)})"], one["reason"]


def rate_row(rate: dict[str, Any]) -> Shown:
    """Return the row of a rate."""
    share = rate.get("survival", rate.get("cumulative_incidence"))
    estimate = "not estimable" if share is None else f"{100 * share:.1f} %"
    return [f"{rate['at_risk']:g}", f"{rate['events']:g}", estimate, limits(rate, 100)], rate["reason"]


def figures_of(found: Read) -> set[tuple[str, ...]]:
    """Return the beginnings of the rows of a report, and of what follows a test's name, without marks of notes."""
    rows = [[re.sub(r" \(\w\)$", "", cell) for cell in row[1:]] for row in found.rows]
    return {tuple(row[first:last]) for row in rows for first in (0, 2) for last in range(len(row) + 1)}


ALL = ["overall_survival", "progression_free_survival", "time_to_progression", "local_progression"]


@pytest.mark.parametrize("body", [SMALL, BALE, BALE | {"convention": "r", "endpoints": ALL, "confidence_level": 0.9}])
@pytest.mark.parametrize("accept", READERS)
async def test_every_figure_of_the_json_answer_is_in_the_report(
    accept: str, body: dict[str, Any], client: httpx.AsyncClient
) -> None:
    answer = (await client.post(PATH, json=body | {"curve": "none"})).json()
    found = READERS[accept]((await report(client, body | {"curve": "none"}, accept)).text)
    text, rows = " ".join(found.texts), figures_of(found)
    assert [row for row, _ in shown(answer) if tuple(row) not in rows] == []
    assert [reason for _, reason in shown(answer) if reason and reason not in text] == []
    for sentence in [
        *answer["summary"],
        *answer["meta"]["methods"],
        *(one["detail"] for one in answer["meta"]["warnings"]),
    ]:
        assert sentence in text
    for endpoint in answer["endpoints"]:
        assert endpoint["definition"] in text


@pytest.mark.parametrize("accept", READERS)
async def test_the_report_says_what_it_was_made_of(accept: str, client: httpx.AsyncClient) -> None:
    meta = (await client.post(PATH, json=SMALL)).json()["meta"]
    found = READERS[accept]((await report(client, SMALL, accept)).text)
    for name, value in (
        ("Service", f"{meta['service']['name']} {meta['service']['version']}"),
        ("SHA-256 of the request's canonical JSON (RFC 8785)", meta["input_sha256"]),
        ("Convention", meta["convention"]),
        ("Confidence level", f"{meta['confidence_level']:g}"),
        ("Interval of survival", meta["confidence_type"]),
        ("Patients used", f"{meta['subjects_used']}"),
    ):
        assert found.row(name) == [name, value]
