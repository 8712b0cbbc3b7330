"""Who may send what: keys, scopes, refusals; and nothing in the way where access is off."""

import json
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute
from openapi_spec_validator import validate
from starlette.types import Message, Receive, Scope, Send

from app.api import access as module
from app.api.access import Gate, access, digest, needed_scopes
from app.main import ROUTERS, create_app
from app.openapi import pages
from app.settings import ApiKey, Settings
from tests.api.test_middleware import lines
from tests.conftest import served

pytestmark = pytest.mark.anyio

KEYS = {name: f"key-of-{name}" for name in ("analyst", "scraper", "reader", "other")}
SCOPES: dict[str, tuple[Any, ...]] = {"analyst": ("analysis",), "scraper": ("metrics",), "reader": ("docs",)}
ENTRIES = tuple(ApiKey(name=name, sha256=digest(KEYS[name]).hex(), scopes=SCOPES[name]) for name in SCOPES)
PATHS = {
    "/v1/conventions": {"analyst"},
    "/v1/unknown": {"analyst"},
    "/unknown": {"analyst"},
    "/livez/": {"analyst"},
    "/metrics": {"scraper"},
    "/version": {"analyst", "scraper", "reader"},
    "/": {"reader"},
    "/docs": {"reader"},
    "/redoc": {"reader"},
    "/openapi.json": {"reader"},
    "/assets/favicon.png": {"reader"},
    "/page/page.css": {"reader"},
    "/example/report": {"reader"},
}


def guarded(**settings: Any) -> AbstractAsyncContextManager[httpx.AsyncClient]:
    """Return a client of the service with these keys."""
    return served(create_app(Settings(api_keys=ENTRIES, **settings)))


def headers(name: str) -> dict[str, str]:
    return {"x-api-key": KEYS[name]}


async def test_without_keys_and_tokens_nobody_is_asked(client: httpx.AsyncClient) -> None:
    """And nothing is in the way of a request."""
    for path in PATHS:
        assert (await client.get(path, headers={"x-api-key": "whatever"})).status_code in (200, 404)
    assert [str(middleware) for middleware in create_app().user_middleware if "Gate" in str(middleware)] == []


async def test_a_key_opens_the_paths_of_its_scopes(anyio_backend: str) -> None:
    async with guarded() as client:
        for path, names in PATHS.items():
            for name in SCOPES:
                answer = await client.get(path, headers=headers(name))
                expected = 403 if name not in names else 404 if "unknown" in path or path == "/livez/" else 200
                assert (path, name, answer.status_code) == (path, name, expected)


@pytest.mark.parametrize(
    "sent",
    [{}, headers("other"), {"x-api-key": ""}, {"x-api-key": "\u00e9"}, {"authorization": f"Bearer {KEYS['analyst']}"}],
    ids=str,
)
@pytest.mark.parametrize("path", [*PATHS])
async def test_without_a_valid_key_only_health_answers(path: str, sent: dict[str, str], anyio_backend: str) -> None:
    encoded = [(name.encode(), value.encode()) for name, value in sent.items()]
    async with guarded() as client:
        for method in ("GET", "POST", "OPTIONS", "HEAD"):
            assert (await client.request(method, path, headers=encoded)).status_code == 401
        for health in ("/livez", "/readyz"):
            assert (await client.get(health, headers=encoded)).status_code == 200


async def test_a_refusal_is_a_problem_that_says_how_to_ask(
    anyio_backend: str, caplog: pytest.LogCaptureFixture
) -> None:
    """And never what was sent."""
    async with guarded() as client:
        caplog.clear()
        missing = await client.get("/v1/conventions", headers={"x-request-id": "mine"})
        wrong = await client.get("/v1/conventions", headers=headers("other"))
        narrow = await client.get("/v1/conventions", headers=headers("reader"))
    told = [
        (answer.status_code, answer.json()["code"], answer.headers["www-authenticate"])
        for answer in (missing, wrong, narrow)
    ]
    assert told == [
        (401, "unauthenticated", 'ApiKey realm="atrisk"'),
        (401, "unauthenticated", 'ApiKey realm="atrisk", error="invalid_key"'),
        (403, "forbidden", 'ApiKey realm="atrisk", error="insufficient_scope"'),
    ]
    assert missing.headers["content-type"] == "application/problem+json"
    assert missing.json()["instance"] == "urn:atrisk:request:mine"
    assert missing.json()["detail"] == "The request needs an API key (X-API-Key) that is valid here and now."
    assert narrow.json()["detail"] == "The path needs the scope analysis."
    logged = lines(caplog)
    assert [line.get("client") for line in logged] == [None, None, "reader"]
    assert [(line["status"], line["route"]) for line in logged] == [
        (401, "unknown"),
        (401, "unknown"),
        (403, "unknown"),
    ]
    assert not any(key in str((logged, wrong.text, narrow.text)) for key in KEYS.values())


async def test_a_body_is_not_read_of_a_caller_who_is_refused(anyio_backend: str) -> None:
    async def receive() -> Message:
        pytest.fail("the body is read")

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/v1/survival", "query_string": b"", "headers": []}
    await create_app(Settings(api_keys=ENTRIES))(scope, receive, send)
    assert sent[0]["status"] == 401


async def test_scopes_may_be_open_to_all(anyio_backend: str) -> None:
    async with guarded(open_scopes={"docs", "metrics"}) as client:
        found = {path: (await client.get(path)).status_code for path in PATHS}
    assert {path for path, status in found.items() if status == 401} == {
        path for path, names in PATHS.items() if names == {"analyst"}
    }


async def test_a_file_of_keys_and_the_environment_add_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, anyio_backend: str
) -> None:
    file = tmp_path / "keys.json"
    file.write_text(json.dumps([ENTRIES[0].model_dump(mode="json")]))
    monkeypatch.setenv("ATRISK_API_KEYS_FILE", str(file))
    monkeypatch.setenv("ATRISK_API_KEYS", json.dumps([ENTRIES[1].model_dump(mode="json")]))
    async with served(create_app()) as client:
        assert (await client.get("/version", headers=headers("analyst"))).status_code == 200
        assert (await client.get("/version", headers=headers("scraper"))).status_code == 200
        assert (await client.get("/version", headers=headers("reader"))).status_code == 401


@pytest.mark.parametrize(
    "content", ['{"key": "the-key-itself"}', '["the-key-itself"]', '[{"sha256": "the-key-itself"}]', '"the-key-itself']
)
def test_a_file_that_is_wrong_stops_the_start_and_is_not_shown(content: str, tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_text(content)
    with pytest.raises(ValueError, match="validation error") as refused:
        create_app(Settings(api_keys_file=file))
    assert "the-key-itself" not in str(refused.value)


def test_every_key_is_compared_whichever_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """In constant time: neither where a key stands nor how much of it is right can be measured."""
    compared: list[tuple[bytes, bytes]] = []

    def compare(known: bytes, sent: bytes) -> bool:
        compared.append((known, sent))
        return known == sent

    monkeypatch.setattr(module, "compare_digest", compare)
    check = access(Settings(api_keys=ENTRIES))
    scope: Scope = {"path": "/version", "headers": [(b"x-api-key", KEYS["analyst"].encode())], "state": {}}
    check(scope)
    assert compared == [(bytes.fromhex(entry.sha256), digest(KEYS["analyst"])) for entry in ENTRIES]


@pytest.mark.parametrize(
    ("root", "path", "scopes"),
    [
        ("", "//docs", 1),
        ("/v", "/v1/docs", 1),
        ("", "/livez", 0),
        ("/api", "/api/livez", 0),
        ("/api", "/livez", 0),
        ("", "/api/livez", 1),
        ("/v", "/v1/x", 1),
    ],
)
def test_a_path_is_that_of_the_routes(root: str, path: str, scopes: int) -> None:
    scope: Scope = {"path": path, "root_path": root}
    found = needed_scopes(module.path_of(scope))
    assert found == frozenset(["analysis"][:scopes])


def test_all_that_tells_of_patients_needs_the_scope_for_it() -> None:
    """Every route of ours has the scope that its tag says."""
    routes = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    expected = {"/livez": "", "/readyz": "", "/metrics": "metrics", "/version": "analysis docs metrics"}
    for route in routes:
        is_page = route in pages.routes or not route.include_in_schema
        default = "docs" if is_page else "analysis"
        assert " ".join(sorted(needed_scopes(route.path))) == expected.get(route.path, default), route.path


@pytest.mark.parametrize("names", [("twin", "twin"), ("twin", "other", "twin")])
def test_names_are_not_used_twice(names: Sequence[str]) -> None:
    keys = tuple(
        ApiKey(name=name, sha256=digest(f"{place}").hex(), scopes=("docs",)) for place, name in enumerate(names)
    )
    with pytest.raises(ValueError, match="same name"):
        create_app(Settings(api_keys=keys))


@pytest.mark.parametrize("settings", [Settings(), Settings(api_keys=ENTRIES)], ids=["off", "on"])
def test_the_document_says_whether_credentials_are_needed(settings: Settings) -> None:
    document = create_app(settings).openapi()
    validate(document)
    assert document["security"][-2:] == [{"ApiKey": []}, {"Token": []}]
    assert ({} in document["security"]) != settings.guarded
    for path, methods in document["paths"].items():
        for operation in methods.values():
            assert ("401" in operation["responses"]) == (operation.get("security") != []) == (path not in module.HEALTH)


async def test_what_is_no_request_is_not_checked(anyio_backend: str) -> None:
    seen: list[str] = []

    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])

    async def nothing(*_: Any) -> Any:
        pytest.fail("nothing is sent")

    await Gate(inner, [access(Settings(api_keys=ENTRIES))])({"type": "lifespan"}, nothing, nothing)
    assert seen == ["lifespan"]
