"""Every way to fail answers in one shape, and tells nothing of what was sent."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from starlette.exceptions import HTTPException

from app.api.access import digest
from app.api.errors import KINDS, WORKER_CODES
from app.schemas.problem import Problem
from app.settings import ApiKey, Settings
from tests.api.toy import toy_app
from tests.conftest import served

pytestmark = pytest.mark.anyio

MARKER = "Leak-73917"
MARKER_NUMBER = "73917.73917"
JSON = {"content-type": "application/json"}
MEMBERS = {"type", "title", "status", "code", "detail", "instance", "errors", "errors_total"}


async def in_chunks() -> AsyncIterator[bytes]:
    yield b'{"name": "'
    for _ in range(100):
        yield MARKER.encode()
    yield b'"}'


@dataclass(frozen=True)
class Way:
    """A request that fails: how it is sent, and the answer."""

    name: str
    status: int
    code: str
    content: Any = b"{}"
    path: str = "/v1/toys"
    method: str = "POST"
    headers: dict[str, str] = field(default_factory=lambda: dict(JSON))
    pointers: tuple[str, ...] = ()
    answers: dict[str, str] = field(default_factory=dict)


def text(name: str, content: str | bytes) -> Way:
    content = content.replace("MARKER", MARKER) if isinstance(content, str) else content
    return Way(name, 400, "invalid_json", content, pointers=("",))


def table(name: str, content: str, status: int, code: str, *pointers: str, query: str = "") -> Way:
    path, sent = f"/v1/survival{query.replace('MARKER', MARKER)}", content.replace("MARKER", MARKER)
    return Way(name, status, code, sent, path, headers={"content-type": "text/csv"}, pointers=pointers)


def body(name: str, value: dict[str, Any], *pointers: str) -> Way:
    return Way(name, 422, "invalid_body", json.dumps(value), pointers=pointers)


def failing(fail: str, status: int, code: str, *pointers: str) -> Way:
    return Way(fail, status, code, json.dumps({"name": MARKER, "fail": fail}), pointers=pointers)


def sent_as(name: str, answers: dict[str, str], **headers: str) -> Way:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return Way(name, 415, "unsupported_media_type", headers=sent, answers=answers)


WAYS = [
    text("empty", ""),
    text("blank", " \n"),
    text("no JSON", "MARKER"),
    text("cut off", '{"name": "MARKER"'),
    text("two values", '{"name": "MARKER"} 1'),
    text("single quotes", "{'name': 'MARKER'}"),
    text("control character", '{"name": "MARKER\n"}'),
    text("NaN", '{"name": "MARKER", "many": [NaN]}'),
    text("Infinity", '{"name": "MARKER", "many": [Infinity]}'),
    text("minus Infinity", '{"name": "MARKER", "many": [-Infinity]}'),
    text("beyond double", '{"name": "MARKER", "many": [1e999]}'),
    text("below double", '{"name": "MARKER", "many": [-1e999]}'),
    text("integer beyond double", '{"name": "MARKER", "many": [1' + "0" * 400 + "]}"),
    text("integer beyond what Python reads", '{"name": "MARKER", "many": [1' + "0" * 5000 + "]}"),
    text("duplicate keys", '{"name": "MARKER", "name": "MARKER"}'),
    text("duplicate keys, one escaped", '{"tags": {"MARKER": "a", "Leak-7391\\u0037": "b"}}'),
    text("too deep", '{"MARKER": ' + "[" * 32 + "]" * 32 + "}"),
    text("far too deep", '{"MARKER": ' * 50_000),
    text("invalid UTF-8", b'{"name": "' + MARKER.encode() + b'\xff"}'),
    text("UTF-16", json.dumps({"name": MARKER}).encode("utf-16")),
    text("byte order mark", b"\xef\xbb\xbf" + json.dumps({"name": MARKER}).encode()),
    text("half a surrogate pair", '{"name": "MARKER\\ud800"}'),
    text("half a surrogate pair in a key", '{"MARKER\\udc00": 1, "a": 2}'),
    Way("wrong key", 401, "unauthenticated", headers=JSON | {"x-api-key": MARKER * 2}),
    Way("narrow key", 403, "forbidden", headers=JSON | {"x-api-key": MARKER}),
    Way("counts of few", 403, "disclosure_control", path="/v1/outcomes"),
    Way("unknown path", 404, "not_found", path=f"/{MARKER}"),
    Way("unknown path below v1", 404, "not_found", path=f"/v1/{MARKER}"),
    Way("path with a slash too many", 404, "not_found", path="/v1/toys/"),
    Way("unknown asset", 404, "not_found", path=f"/assets/{MARKER}", method="GET"),
    Way("asset outside", 404, "not_found", path="/assets/%2e%2e", method="GET"),
    Way("GET of a POST", 405, "method_not_allowed", method="GET", answers={"allow": "OPTIONS, POST"}),
    Way("made-up method", 405, "method_not_allowed", method="LEAK-73917", answers={"allow": "OPTIONS, POST"}),
    Way("POST of a GET", 405, "method_not_allowed", path="/livez", answers={"allow": "GET, HEAD, OPTIONS"}),
    Way("other representation", 406, "not_acceptable", headers=JSON | {"accept": f"text/csv, x/{MARKER}"}),
    Way("JSON refused", 406, "not_acceptable", headers=JSON | {"accept": "*/*, application/json;q=0"}),
    Way("too large", 413, "body_too_large", json.dumps({"name": MARKER * 100})),
    Way("too large in chunks", 413, "body_too_large", in_chunks),
    sent_as("no content type", {"accept": "application/json"}),
    sent_as("plain text", {"accept": "application/json"}, content_type=f"text/plain; x={MARKER}"),
    sent_as("JSON of no application", {"accept": "application/json"}, content_type="text/x+json"),
    sent_as("form", {"accept": "application/json"}, content_type="application/x-www-form-urlencoded"),
    sent_as("Latin 1", {"accept": "application/json"}, content_type="application/json; charset=iso-8859-1"),
    sent_as("compressed", {"accept-encoding": "gzip, zstd"}, content_type="application/json", content_encoding="br"),
    Way("array for an object", 422, "invalid_body", "[1]", pointers=("",)),
    body("unknown field", {"a/b~c": MARKER}, "/a~1b~0c"),
    body("wrong types", {"age": MARKER, "alive": MARKER, "many": [MARKER]}, "/age", "/alive", "/many/0"),
    body("wrong numbers", {"age": float(MARKER_NUMBER), "width": float(MARKER_NUMBER)}, "/age", "/width"),
    body("wrong choice", {"fail": MARKER, "event": MARKER, "name": f"?{MARKER}"}, "/name", "/fail", "/event"),
    body("fault of a validator", {"subjects": [{"id": MARKER, "parts": ["bad"]}]}, "/subjects/0/parts/0"),
    failing("analysis", 422, "analysis_error"),
    failing("observations", 422, "invalid_observations"),
    failing("parameter", 422, "invalid_parameter"),
    failing("estimate", 422, "no_estimate"),
    failing("future", 422, "known_to_no_table"),
    failing("subjects", 413, "too_many_subjects", "/many"),
    failing("bug", 500, "internal_error"),
    table("short row", "time,event,MARKER\n1,1\n", 400, "invalid_table", ""),
    table("quotes", 'time,event\n1,"MARKER"1\n', 400, "invalid_table", ""),
    table(
        "wrong cells", "time,event\nMARKER,1\n2,MARKER\n", 422, "invalid_body", "/subjects/time/0", "/subjects/event/1"
    ),
    table("options", "time,event\n1,1\n", 400, "invalid_json", "", query="?options={MARKER}"),
    Way("path parameter", 422, "invalid_parameter", path=f"/v1/toys/{MARKER}", method="GET", pointers=("",)),
    Way("query parameter", 422, "invalid_parameter", path=f"/v1/toys/1?size={MARKER}", method="GET", pointers=("",)),
]


KEYS = (ApiKey(name="reader", sha256=digest(MARKER).hex(), scopes=("docs",)),)
SETTINGS: dict[str, dict[str, Any]] = {
    "body_too_large": {"max_body_bytes": 500},
    "unauthenticated": {"api_keys": KEYS},
    "forbidden": {"api_keys": KEYS},
    "disclosure_control": {"min_cell_count": 5},
}


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
async def test_every_failure_has_the_one_shape_and_leaks_nothing(
    way: Way, anyio_backend: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    app = toy_app(Settings(**SETTINGS.get(way.code, {})))
    content = way.content() if callable(way.content) else way.content
    async with served(app) as client:
        answer = await client.request(way.method, way.path, content=content, headers=way.headers)
    problem = assert_is_problem(answer)
    assert (answer.status_code, problem.code) == (way.status, way.code)
    assert problem.title == KINDS.get(way.code, KINDS["analysis_error"]).title
    assert tuple(fault.pointer for fault in problem.errors) == way.pointers
    assert {name: answer.headers[name] for name in way.answers} == way.answers
    logged = caplog.text + "".join(capfd.readouterr())
    assert problem.instance.removeprefix("urn:atrisk:request:") in logged
    for secret in (MARKER, MARKER_NUMBER, "73917", "cannot divide"):
        assert secret not in answer.text + str(answer.headers)
        assert secret not in logged.replace(problem.instance.removeprefix("urn:atrisk:request:"), "")


def assert_is_problem(answer: httpx.Response) -> Problem:
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    content = answer.json()
    assert set(content) == MEMBERS
    problem = Problem.model_validate(content, strict=True)
    assert problem.type == f"urn:atrisk:problem:{problem.code}"
    assert problem.status == answer.status_code
    assert problem.instance == f"urn:atrisk:request:{answer.headers['x-request-id']}"
    assert len(problem.errors) == min(problem.errors_total, 20)
    assert bool(problem.detail) == (problem.status != 500)
    return problem


def test_the_ways_cover_every_code_but_those_of_tests_of_worker_processes() -> None:
    assert {way.code for way in WAYS} == {*KINDS, "known_to_no_table"} - {*WORKER_CODES, "not_ready"}


async def test_what_starlette_refuses_in_a_way_we_do_not_know_is_our_fault(anyio_backend: str) -> None:
    """A status that no table foresees is answered as a 500 of the one shape."""
    app = toy_app()

    @app.get("/teapot")
    async def brew() -> None:
        raise HTTPException(418, MARKER)

    async with served(app) as client:
        answer = await client.get("/teapot")
    assert assert_is_problem(answer).code == "internal_error"
    assert MARKER not in answer.text
