"""Figures over HTTP: chosen by Accept, of the same result as the JSON answer, the same bytes each time."""

from typing import Any

import httpx
import numpy as np
import pytest

from app.main import create_app
from app.settings import Settings
from tests.api.figures import PNG, REQUESTS, RISKS, SURVIVAL, SVG, data, figure
from tests.conftest import served
from tests.references import reference
from tests.svg import Picture, steps_of

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("path", REQUESTS)
@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("*/*", "application/json"),
        ("image/*, application/json", "application/json"),
        ("image/*", SVG),
        ("image/png, image/*;q=0.9", PNG),
        ("application/json;q=0.5, image/svg+xml", SVG),
        ("text/html, image/png;q=0.1", PNG),
    ],
)
async def test_accept_chooses(path: str, accept: str, media_type: str, client: httpx.AsyncClient) -> None:
    answer = await client.post(path, json=REQUESTS[path], headers={"accept": accept})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == media_type
    assert answer.headers["vary"] == "Accept"
    assert answer.content[:4] == {SVG: b"<svg", PNG: b"\x89PNG"}.get(media_type, answer.content[:4])


@pytest.mark.parametrize("path", REQUESTS)
async def test_what_nobody_can_draw_is_406(path: str, client: httpx.AsyncClient) -> None:
    answer = await client.post(path, json=REQUESTS[path], headers={"accept": "image/webp, text/html"})
    assert (answer.status_code, answer.json()["code"]) == (406, "not_acceptable")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["vary"] == "Accept"


@pytest.mark.parametrize("path", REQUESTS)
@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("{", 400),
        ('{"subjects": []}', 422),
        ('{"subjects": {"time": [1], "event": [1], "cause": ["a"], "weight": [0.5]}}', 422),
    ],
)
async def test_errors_stay_problems(path: str, body: str, status: int, client: httpx.AsyncClient) -> None:
    headers = {"content-type": "application/json", "accept": SVG}
    answer = await client.post(path, content=body, headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


async def test_too_many_subjects_are_no_figure(anyio_backend: str) -> None:
    async with served(create_app(Settings(max_subjects=2))) as client:
        answer = await client.post("/v1/survival", json=SURVIVAL, headers={"accept": PNG})
    assert (answer.status_code, answer.json()["code"]) == (413, "too_many_subjects")


@pytest.mark.parametrize(
    ("name", "columns"),
    [("aml", {}), ("lung", {}), ("veteran", {"group": "celltype"}), ("myeloma", {"entry": "entry"})],
)
async def test_every_step_of_a_curve_is_that_of_the_json_answer(
    name: str, columns: dict[str, str], client: httpx.AsyncClient
) -> None:
    """And no step is missing, nor drawn where there is none."""
    subjects = data(name, "time", "event", **{"group": "group", **columns})
    last = max(subjects["time"])
    body = {"subjects": subjects, "figure": {"width": 1500, "time_breaks": [0, last]}}
    answer = (await client.post("/v1/survival", json=body)).json()
    picture = Picture(await figure(client, "/v1/survival", body))
    assert len(answer["groups"]) >= 2
    for number, group in enumerate(answer["groups"]):
        curve = group["curve"]
        expected, drawn = steps_of(curve["time"], curve["survival"], 1), picture.steps(number, [0, last])
        np.testing.assert_allclose(drawn[:, 0], expected[:, 0], atol=1e-6 * last)
        np.testing.assert_allclose(drawn[:, 1], expected[:, 1], atol=1e-6)
        assert picture.curve(number, [0, last])[0][-1] == pytest.approx(curve["time"][-1], rel=1e-6)


async def test_every_step_of_an_incidence_is_that_of_the_json_answer(client: httpx.AsyncClient) -> None:
    last = max(data("melanoma", "time")["time"])
    columns = reference("melanoma")["columns"]
    causes = [{1: "melanoma", 2: "other"}.get(cause) for cause in columns["cause"]]
    body = {
        "subjects": {"time": columns["time"], "cause": causes, "group": [str(code) for code in columns["group"]]},
        "causes": ["melanoma", "other"],
        "figure": {"width": 1500, "time_breaks": [0, last]},
    }
    answer = (await client.post("/v1/competing-risks", json=body)).json()
    picture = Picture(await figure(client, "/v1/competing-risks", body))
    assert [picture.texts(f"panel-title-{panel}") for panel in range(2)] == [["melanoma"], ["other"]]
    for panel in range(2):
        for place, group in enumerate(answer["groups"]):
            curve = group["causes"][panel]["curve"]
            expected = steps_of(curve["time"], curve["cumulative_incidence"], 0)
            drawn = picture.steps(2 * panel + place, [0, last], panel)
            np.testing.assert_allclose(drawn[:, 0], expected[:, 0], atol=1e-6 * last)
            np.testing.assert_allclose(drawn[:, 1], expected[:, 1], atol=1e-6)


async def test_the_table_is_the_risk_table_and_stands_below_its_ticks(client: httpx.AsyncClient) -> None:
    breaks = [0, 10, 20, 30, 40]
    body = SURVIVAL | {"risk_table_times": breaks, "figure": {"time_breaks": breaks}}
    answer = (await client.post("/v1/survival", json=body)).json()
    picture = Picture(await figure(client, "/v1/survival", body))
    words = picture.words("at-risk")
    numbers = [word for word in words if word.anchor == "middle"]
    expected = [
        f"{count:.0f}"
        for group in answer["groups"]
        for row in ("at_risk", "censored", "events")
        for count in group["risk_table"][row]
    ]
    assert [word.text for word in numbers] == expected
    np.testing.assert_allclose([word.x for word in numbers], np.tile(picture.ticks(), 6), atol=1e-5)
    names = [word.text for word in words if word.anchor != "middle"]
    assert names == [text for group in answer["groups"] for text in (group["label"], "At risk", "Censored", "Events")]


async def test_the_key_has_the_figures_of_the_answer(client: httpx.AsyncClient) -> None:
    texts = Picture(await figure(client, "/v1/survival", SURVIVAL)).texts("key-0")
    assert texts == [
        "Median, weeks (95 % CI)",
        "Hazard ratio (95 % CI)",
        "Maintained",
        "31 (18 to not reached)",
        "1 (reference)",
        "Nonmaintained",
        "23 (8 to not reached)",
        "2.50 (0.92 to 6.81)",
        "Log-rank test: P = 0.065",
    ]


@pytest.mark.parametrize("path", REQUESTS)
async def test_every_option_shows(path: str, client: httpx.AsyncClient) -> None:
    labels = {"title": "A title", "time": "Years of something", "value": "Share", "groups": {}}
    groups = list(dict.fromkeys(REQUESTS[path]["subjects"]["group"]))
    labels["groups"] = {groups[0]: "Renamed"}
    asked = {"width": 900, "height": 700, "time_breaks": [0, 4, 8], "until": 9, "percent": True, "at_risk": "simple"}
    body = REQUESTS[path] | {"figure": asked | {"labels": labels}}
    picture = Picture(await figure(client, path, body))
    assert (picture.root.attrib["width"], picture.root.attrib["height"]) == ("900", "700")
    texts = picture.texts()
    assert {"A title", "Years of something", "Share", "Renamed", "100", "At risk"} <= {*texts}
    assert groups[0] not in texts
    assert {"Censored", "Events"}.isdisjoint(texts)
    last = len([layer for layer in picture.layers if layer.startswith("time-axis")]) - 1
    assert picture.texts(f"time-axis-{last}") == ["0", "4", "8", "Years of something"]
    picture = Picture(await figure(client, path, REQUESTS[path] | {"figure": {"at_risk": "none"}}))
    assert "at-risk" not in picture.layers


async def test_causes_can_be_renamed(client: httpx.AsyncClient) -> None:
    names = dict.fromkeys(cause for cause in RISKS["subjects"]["cause"] if cause)
    labels = {"causes": {name: f"cause {place}" for place, name in enumerate(names)}}
    picture = Picture(await figure(client, "/v1/competing-risks", RISKS | {"figure": {"labels": labels}}))
    assert picture.texts("panel-title-1") == ["cause 1"]


async def test_a_png_is_as_large_as_asked(client: httpx.AsyncClient) -> None:
    content = await figure(client, "/v1/survival", SURVIVAL | {"figure": {"width": 640, "height": 480}}, PNG)
    assert np.frombuffer(content[16:24], dtype=">u4").tolist() == [640, 480]


@pytest.mark.parametrize(
    ("path", "asked", "faults"),
    [
        ("/v1/survival", {"until": 3}, {"/figure/until": "must be after start_time"}),
        (
            "/v1/survival",
            {"time_breaks": [4, 9, 9, 20], "until": 10},
            {
                "/figure/time_breaks/0": "must not be before start_time",
                "/figure/time_breaks/2": "is named before",
                "/figure/time_breaks/3": "must not be after until",
            },
        ),
        (
            "/v1/survival",
            {"labels": {"groups": {"x/y": "z"}}},
            {"/figure/labels/groups/x~1y": "is no group of the subjects"},
        ),
        (
            "/v1/competing-risks",
            {"labels": {"causes": {"nothing": "z"}}},
            {"/figure/labels/causes/nothing": "is no cause of the request"},
        ),
        ("/v1/survival", {"labels": {"causes": {}}}, {"/figure/labels/causes": "is not a known field"}),
        ("/v1/survival", {"width": 319}, {"/figure/width": "must be at least 320"}),
        ("/v1/survival", {"height": 3001}, {"/figure/height": "must be at most 3000"}),
    ],
)
async def test_an_option_that_makes_no_sense_is_refused(
    path: str, asked: dict[str, Any], faults: dict[str, str], client: httpx.AsyncClient
) -> None:
    start: dict[str, Any] = (
        {"start_time": 5, "risk_table_times": None, "landmarks": []} if path == "/v1/survival" else {}
    )
    answer = await client.post(path, json=REQUESTS[path] | start | {"figure": asked}, headers={"accept": SVG})
    assert answer.status_code == 422
    assert {fault["pointer"]: fault["detail"] for fault in answer.json()["errors"]} == faults
