"""The page under `/` as it is sent: its files, its examples, and what browsers are told of them."""

import json
import re
from collections.abc import AsyncIterator

import httpx
import pytest

from app.api.examples import FOLDER, example
from app.main import create_app
from tests.conftest import served
from tests.svg import Picture

pytestmark = pytest.mark.anyio

PAGE = ["/", "/page/page.css", "/page/page.js"]
EXAMPLES = [
    "/example/survival.svg",
    "/example/competing-risks-narrow.svg",
    "/example/survival.csv",
    "/example/competing-risks.csv",
    "/example/report",
]
REFERENCE = re.compile(r'(?:href|src|srcset)="([^"#]+)"')


@pytest.fixture
async def below(anyio_backend: str) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client of the service below a path of a proxy."""
    transport = httpx.ASGITransport(create_app(), root_path="/statistics")
    async with httpx.AsyncClient(transport=transport, base_url="http://test/statistics/") as client:
        yield client


@pytest.mark.parametrize("path", [*PAGE, *EXAMPLES])
async def test_browsers_are_told_to_load_nothing_from_elsewhere(path: str, client: httpx.AsyncClient) -> None:
    answer = await client.get(path)
    assert answer.status_code == 200
    policy = dict(directive.split(" ", 1) for directive in answer.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert "unsafe-inline" not in policy.get("script-src", "")
    assert not re.search(r"https?:|\*", " ".join(policy.values()))
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"]


async def test_the_page_holds_no_script_and_no_style_of_its_own(client: httpx.AsyncClient) -> None:
    """The policy would not let them work."""
    page = (await client.get("/")).text
    assert re.findall(r"<script[^>]*>(.*?)</script>", page, re.DOTALL) == [""]
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=", page)


async def test_all_that_the_page_names_is_there_also_below_a_path(
    client: httpx.AsyncClient, below: httpx.AsyncClient
) -> None:
    references = [name for name in REFERENCE.findall((await client.get("/")).text) if not name.startswith("data:")]
    assert len(references) >= 9
    for name in references:
        assert (await client.get(f"/{name}")).status_code == 200, name
        assert (await below.get(name)).status_code == 200, name


@pytest.mark.parametrize("path", [*PAGE, "/example/survival.csv"])
async def test_other_methods_are_refused(path: str, client: httpx.AsyncClient) -> None:
    assert (await client.head(path)).status_code == 200
    answer = await client.post(path)
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS"


async def test_a_client_that_takes_no_page_gets_none(client: httpx.AsyncClient) -> None:
    answer = await client.get("/", headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (406, "not_acceptable")
    assert (await client.get("/", headers={"Accept": "text/*;q=0.1"})).status_code == 200


async def test_a_page_that_has_not_changed_is_not_sent_again(client: httpx.AsyncClient) -> None:
    tag = (await client.get("/")).headers["etag"]
    assert (await client.get("/", headers={"If-None-Match": tag})).status_code == 304


@pytest.mark.parametrize("path", ["/page/none.js", "/page/..%2Fmain.py", "/example/none.svg", "/example/none.csv"])
async def test_what_is_not_there_is_not_found(path: str, client: httpx.AsyncClient) -> None:
    answer = await client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("resource", ["survival", "competing-risks"])
async def test_the_figures_are_those_of_the_examples(resource: str, client: httpx.AsyncClient) -> None:
    request = example(f"{resource.replace('-', '_')}_request") | {"figure": {"width": 328}}
    drawn = await client.post(f"/v1/{resource}", json=request, headers={"Accept": "image/svg+xml"})
    shown = await client.get(f"/example/{resource}-narrow.svg")
    assert shown.content == drawn.content
    assert Picture(shown.content).root.attrib["width"] == "328"


@pytest.mark.parametrize("resource", ["survival", "competing-risks"])
async def test_the_tables_are_the_samples_of_the_examples(resource: str, client: httpx.AsyncClient) -> None:
    """Sent as they are, with the other fields as options, they get the same answer."""
    table = await client.get(f"/example/{resource}.csv")
    request = example(f"{resource.replace('-', '_')}_request")
    options = {name: value for name, value in request.items() if name not in ("subjects", "time_unit")}
    options["time_unit"] = table.headers["time-unit"]
    headers = {"Content-Type": "text/csv"}
    params = {"options": json.dumps(options)}
    answers = [
        await client.post(f"/v1/{resource}", content=table.content, params=params, headers=headers),
        await client.post(f"/v1/{resource}", json=request),
    ]
    assert [answer.status_code for answer in answers] == [200, 200]
    first, second = (answer.json() for answer in answers)
    assert first["groups"] == second["groups"]
    assert first["meta"]["time_unit"] == second["meta"]["time_unit"]


async def test_the_report_is_that_of_the_example_cohort(client: httpx.AsyncClient) -> None:
    headers = {"Content-Type": "application/json", "Accept": "text/html"}
    posted = await client.post("/v1/outcomes", content=(FOLDER / "bale2018.json").read_bytes(), headers=headers)
    shown = await client.get("/example/report")
    assert shown.headers["content-type"] == "text/html; charset=utf-8"
    assert shown.content == posted.content
    assert shown.headers["content-security-policy"] == posted.headers["content-security-policy"]


async def test_the_command_for_those_without_scripts_does_as_it_says(client: httpx.AsyncClient) -> None:
    page = (await client.get("/")).text
    sample, path, content_type, accept = re.findall(
        r"\$host(/\S+\.csv).*\$host(/\S+) .*'Content-Type: (\S+)' -H 'Accept: (\S+)'", page, re.DOTALL
    )[0]
    table = (await client.get(sample)).content
    answer = await client.post(path, content=table, headers={"Content-Type": content_type, "Accept": accept})
    assert "Time (weeks)" in [word.text for word in Picture(answer.content).words()]


async def test_it_is_no_part_of_the_contract() -> None:
    assert not [
        path for path in create_app().openapi()["paths"] if path == "/" or "/page" in path or "/example" in path
    ]


async def test_a_second_look_costs_no_second_drawing(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = "/example/survival.svg"
    first = await client.get(path)

    def draw_again(*_: object) -> bytes:
        raise AssertionError

    monkeypatch.setattr("app.api.routes.gallery.draw", draw_again)
    async with served(create_app()) as other:
        assert (await other.get(path)).content == first.content
