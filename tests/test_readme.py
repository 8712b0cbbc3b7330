"""Every example of the README is run, and every answer of examples/ is the answer."""

import json
import math
import re
from base64 import b64decode
from pathlib import Path
from typing import Any

import httpx
import pytest

from examples.regenerate import AS_SVG, DRAWN, REPORTED, REPORTS, path_of

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
REQUEST = re.compile(
    r"```sh\ncurl -s (\S+) -H 'Content-Type: application/json' -d '(.*?)'\n```\n(.*?)(?=```sh|## |\Z)", re.DOTALL
)
NUMBER = re.compile(r"-?\d+\.\d+")
IMAGE = re.compile(r"data:image/svg\+xml;base64,([^\"]+)")
ANSWER = re.compile(r"```json\n(.*?)\n```", re.DOTALL)

pytestmark = pytest.mark.anyio


def assert_holds(actual: Any, shown: Any, place: str = "") -> None:
    """Assert that what is shown is in the answer; of a list, that its items are the first ones of the answer's."""
    if isinstance(shown, dict):
        for key, value in shown.items():
            assert key in actual, f"{place}/{key}"
            assert_holds(actual[key], value, f"{place}/{key}")
    elif isinstance(shown, list):
        assert len(actual) >= len(shown), place
        for index, value in enumerate(shown):
            assert_holds(actual[index], value, f"{place}/{index}")
    elif isinstance(shown, float):
        # The last digit may differ between processors.
        assert math.isclose(actual, shown, rel_tol=1e-9), place
    else:
        assert actual == shown, place


def assert_same_drawing(here: str, there: str) -> None:
    """Assert that two texts are the same but for the last digits of numbers."""
    assert NUMBER.sub("", here) == NUMBER.sub("", there)
    for one, other in zip(NUMBER.findall(here), NUMBER.findall(there), strict=True):
        assert float(one) == pytest.approx(float(other), abs=1e-4)


def in_clear(image: re.Match[str]) -> str:
    """Return the text of an SVG in a `data:` address."""
    return b64decode(image[1]).decode()


async def test_the_answers_shown_are_those_of_the_requests_above_them(client: httpx.AsyncClient) -> None:
    found = REQUEST.findall(README)
    assert len(found) == 3
    assert all(url.startswith("http://127.0.0.1:8000/") for url, _, _ in found)
    for url, body, following in found:
        path = url.removeprefix("http://127.0.0.1:8000")
        response = await client.post(path, content=body, headers={"Content-Type": "application/json"})
        answers = ANSWER.findall(following)
        assert answers
        for answer in answers:
            assert_holds(response.json(), json.loads(answer))


async def test_the_whole_summary_is_shown(client: httpx.AsyncClient) -> None:
    _, body, following = REQUEST.findall(README)[0]
    response = await client.post("/v1/outcomes", content=body, headers={"Content-Type": "application/json"})
    assert json.loads(ANSWER.findall(following)[0])["summary"] == response.json()["summary"]


@pytest.mark.parametrize("name", sorted(path.name for path in (ROOT / "examples").glob("*_request.json")))
async def test_the_answers_of_examples_are_the_answers(client: httpx.AsyncClient, name: str) -> None:
    """`make examples` writes them anew."""
    request, kept = ROOT / "examples" / name, ROOT / "examples" / name.replace("_request", "_response")
    response = await client.post(path_of(name), json=json.loads(request.read_text("utf-8")))
    expected = json.loads(kept.read_text("utf-8"))
    assert_holds(response.json(), expected)
    assert_holds(expected, response.json())


@pytest.mark.parametrize("name", DRAWN)
async def test_the_figures_of_examples_are_the_figures(client: httpx.AsyncClient, name: str) -> None:
    """But for the last digits of coordinates, which may differ between processors."""
    request, kept = ROOT / "examples" / name, ROOT / "examples" / name.replace("_request.json", "_figure.svg")
    response = await client.post(path_of(name), content=request.read_bytes(), headers=AS_SVG)
    assert_same_drawing(response.text, kept.read_text("utf-8"))


@pytest.mark.parametrize(("media_type", "name"), REPORTS.items())
async def test_the_reports_of_examples_are_the_reports(client: httpx.AsyncClient, media_type: str, name: str) -> None:
    """But for the last digits of coordinates, which may differ between processors."""
    headers = {"Content-Type": "application/json", "Accept": media_type}
    content = (ROOT / "examples" / REPORTED).read_bytes()
    response = await client.post("/v1/outcomes", content=content, headers=headers)
    assert_same_drawing(
        *(IMAGE.sub(in_clear, text) for text in (response.text, (ROOT / "examples" / name).read_text("utf-8")))
    )


async def test_the_command_of_the_readme_writes_the_report(client: httpx.AsyncClient) -> None:
    """The command is run as it stands, but for curl."""
    (command,) = re.findall(r"curl -s \S+ -H 'Content-Type[^\n]*\\\n[^\n]*-o [a-z]+.html", README)
    path, accept, file = re.findall(r"8000(\S+) .*'Accept: (\S+)'.* -d @(\S+)", command.replace("\\\n", ""))[0]
    headers = {"Content-Type": "application/json", "Accept": accept}
    response = await client.post(path, content=(ROOT / file).read_bytes(), headers=headers)
    assert response.headers["content-type"] == f"{accept}; charset=utf-8"


async def test_the_figure_of_the_readme_is_that_of_its_request(client: httpx.AsyncClient) -> None:
    """The command is run as it stands, but for curl."""
    (command,) = re.findall(r"curl -s \S+ -H 'Content-Type[^\n]*\\\n[^\n]*-o [a-z]+.svg", README)
    path, accept, file = re.findall(r"8000(\S+) .*'Accept: (\S+)'.* -d @(\S+)", command.replace("\\\n", ""))[0]
    headers = {"Content-Type": "application/json", "Accept": accept}
    response = await client.post(path, content=(ROOT / file).read_bytes(), headers=headers)
    assert response.headers["content-type"] == accept
    assert f"]({file.replace('_request.json', '_figure.svg')})" in README


async def test_the_table_of_the_readme_is_answered(client: httpx.AsyncClient) -> None:
    """As the JSON request that it stands for is."""
    (found,) = re.findall(
        r"printf '(.*)' \| curl -s 'http://127.0.0.1:8000(\S+)' \\\n  -H 'Content-Type: (\S+)'", README
    )
    table, path, media_type = found
    answer = await client.post(path, content=table.replace("\\n", "\n"), headers={"Content-Type": media_type})
    subjects = {"time": [9, 13, 5, 8], "event": [1, 0, 1, 1], "group": ["yes", "yes", "no", "no"]}
    shown = await client.post("/v1/survival", json={"subjects": subjects, "time_unit": "weeks"})
    assert answer.status_code == 200
    assert answer.content == shown.content


def test_the_targets_named_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = set(re.findall(r"make ([a-z-]+) +#", README))
    assert named == {"demo", "serve", "test"}
    assert named <= targets


def test_the_links_of_the_readme_lead_to_files() -> None:
    links = re.findall(r"\]\(([^)]+)\)", README)
    assert links
    assert all((ROOT / link).exists() for link in links)
