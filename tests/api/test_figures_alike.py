"""Figures under disclosure control, and that the same request gets the same bytes everywhere."""

import asyncio
import json
import subprocess
import sys
from hashlib import sha256

import httpx
import numpy as np
import pytest

from tests.api.figures import FOLDER, PNG, SURVIVAL, SVG, data, figure
from tests.svg import Picture

pytestmark = pytest.mark.anyio


async def test_a_figure_under_disclosure_control_shows_no_more_than_the_answer(client: httpx.AsyncClient) -> None:
    """Curves have the digits of the answer, and groups kept back have none."""
    subjects = data("lung", "time", "event", "group")
    subjects = {key: [*values, *values[:2]] for key, values in subjects.items()}
    subjects["group"] = [str(group) for group in subjects["group"][:-2]] + ["few"] * 2
    body = {"subjects": subjects, "min_cell_count": 3, "figure": {"time_breaks": [0, 600], "width": 1500}}
    answer = (await client.post("/v1/survival", json=body)).json()
    picture = Picture(await figure(client, "/v1/survival", body))
    shown = {group["label"]: group for group in answer["groups"] if group["reason"] is None}
    hidden = [group["label"] for group in answer["groups"] if group["reason"]]
    assert "few" in hidden
    assert len(shown) == 1
    assert f"Suppressed: {', '.join(hidden)}" in picture.texts("key-0")
    assert sorted(layer for layer in picture.layers if layer.startswith("curve-")) == [
        f"curve-{number}" for number in range(len(shown))
    ]
    for number, group in enumerate(shown.values()):
        _, value = picture.curve(number, [0, 600])
        known = np.array([1, *group["curve"]["survival"]])
        assert np.abs(value[:, None] - known).min(axis=1).max() < 2e-9
    assert all(label not in picture.child("desc").replace(f"Suppressed: {', '.join(hidden)}", "") for label in hidden)


async def test_where_no_group_can_be_shown_all_subjects_are(client: httpx.AsyncClient) -> None:
    body = SURVIVAL | {
        "min_cell_count": 3,
        "subjects": SURVIVAL["subjects"] | {"group": list("abcdefghijklmnopqrstuvw")},
    }
    answer = (await client.post("/v1/survival", json=body)).json()
    picture = Picture(await figure(client, "/v1/survival", body))
    assert answer["overall"]["subjects"] == 23
    assert "All: 23 subjects" in picture.child("desc")
    assert "curve-1" not in picture.layers


async def test_where_nothing_can_be_shown_the_axes_are_empty(client: httpx.AsyncClient) -> None:
    body = {"subjects": {"time": [1, 2], "event": [1, 0], "group": ["a", "b"]}, "min_cell_count": 5}
    picture = Picture(await figure(client, "/v1/survival", body))
    assert "Suppressed: too few subjects" in picture.texts("key-0")
    assert not [layer for layer in picture.layers if layer.startswith(("curve", "band", "censored", "at-risk"))]
    assert "2" not in picture.texts()


@pytest.mark.parametrize("media_type", [SVG, PNG])
async def test_requests_at_once_get_the_bytes_of_one(media_type: str, client: httpx.AsyncClient) -> None:
    bodies = [SURVIVAL | {"figure": {"width": 400 + 100 * place}} for place in range(3)]
    alone = [await figure(client, "/v1/survival", body, media_type) for body in bodies]
    together = await asyncio.gather(*(figure(client, "/v1/survival", body, media_type) for body in bodies * 3))
    assert list(together) == alone * 3
    assert len({*alone}) == 3


PROGRAM = """
import sys, json, hashlib
from app.schemas.survival_request import SurvivalRequest
from app.api import convert_figure
assert "matplotlib" not in sys.modules and "matplotlib.pyplot" not in sys.modules
import app.main
assert "matplotlib" not in sys.modules
from app.rendering.image import draw
found = convert_figure.survival(SurvivalRequest.model_validate_json(sys.stdin.read()))
print(*(hashlib.sha256(draw(found, kind)).hexdigest() for kind in ("image/svg+xml", "image/png")))
assert "matplotlib.pyplot" not in sys.modules
"""


async def test_another_process_draws_the_same_bytes(client: httpx.AsyncClient) -> None:
    """And the service starts without matplotlib, which is imported for the first figure, pyplot never."""
    ran = subprocess.run(  # noqa: S603
        [sys.executable, "-W", "error", "-c", PROGRAM],
        input=json.dumps(SURVIVAL),
        capture_output=True,
        text=True,
        check=False,
        cwd=FOLDER,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == ""
    here = [await figure(client, "/v1/survival", SURVIVAL, media_type) for media_type in (SVG, PNG)]
    assert ran.stdout.split() == [sha256(content).hexdigest() for content in here]
