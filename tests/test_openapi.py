"""The OpenAPI document, the pages that show it, and the file that publishes it."""

import json
import re
import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from openapi_spec_validator import validate

from app import __version__
from app import openapi as module
from app.main import create_app
from app.openapi import main, rendered
from tests.api.toy import toy_app


def near(value: Any) -> Any:
    """Return what equals a JSON value but for the last digits of its numbers, which another processor may round."""
    if isinstance(value, dict):
        return {name: near(member) for name, member in value.items()}
    if isinstance(value, list):
        return [near(item) for item in value]
    return pytest.approx(value, rel=1e-9, abs=1e-12) if isinstance(value, float) else value


class TestDocument:
    def test_it_is_valid(self) -> None:
        validate(create_app().openapi())
        validate(toy_app().openapi())

    def test_it_says_what_the_service_is(self) -> None:
        document = create_app().openapi()
        assert document["openapi"].startswith("3.1")
        assert document["info"]["version"] == __version__
        assert {"title", "summary", "description", "version"} == set(document["info"])
        assert "servers" not in document

    def test_every_operation_has_a_known_tag_a_name_and_a_description(self) -> None:
        document = create_app().openapi()
        operations = [operation for path in document["paths"].values() for operation in path.values()]
        tags = {tag["name"] for tag in document["tags"]}
        assert all(set(operation["tags"]) <= tags and operation["tags"] for operation in operations)
        assert all(operation["description"] for operation in operations)
        names = [operation["operationId"] for operation in operations]
        assert all(name.isidentifier() for name in names)
        assert len(set(names)) == len(names)

    def test_every_field_is_described(self) -> None:
        schemas = create_app().openapi()["components"]["schemas"]
        bare = [
            f"{name}.{field}"
            for name, schema in schemas.items()
            for field, property_ in schema.get("properties", {}).items()
            if not property_.get("description") and "$ref" not in property_
        ]
        assert len(schemas) > 40
        assert bare == []

    @pytest.mark.parametrize("make", [create_app, toy_app])
    def test_what_takes_a_body_documents_how_it_fails(self, make: Callable[[], FastAPI]) -> None:
        document = make().openapi()
        posts = [path["post"] for name, path in document["paths"].items() if name.startswith("/v1/") and "post" in path]
        for operation in posts:
            failures = {status: answer for status, answer in operation["responses"].items() if status >= "4"}
            assert {"400", "406", "413", "415", "422", "500"} <= set(failures)
            for answer in failures.values():
                schema = {"schema": {"$ref": "#/components/schemas/Problem"}}
                assert answer["content"] == {"application/problem+json": schema}
            assert set(operation["requestBody"]["content"]["application/json"]["schema"]) == {"$ref"}

    @pytest.mark.anyio
    async def test_every_example_of_a_request_is_answered(self, client: httpx.AsyncClient) -> None:
        """And one of its answers is the one shown."""
        paths = create_app().openapi()["paths"]
        posts = {path: methods["post"] for path, methods in paths.items() if "post" in methods}
        assert posts
        for path, operation in posts.items():
            examples = operation["requestBody"]["content"]["application/json"]["examples"].values()
            answers = [await client.post(path, json=example["value"]) for example in examples]
            assert [answer.status_code for answer in answers] == [200] * len(examples)
            shown = operation["responses"]["200"]["content"]["application/json"]["example"]
            assert near(shown) in [answer.json() for answer in answers]

    def test_the_errors_of_fastapi_are_not_in_it(self) -> None:
        text = rendered(toy_app())
        assert "HTTPValidationError" not in text
        assert '"Problem"' in text
        assert "$defs" not in text

    def test_it_is_the_same_each_time(self) -> None:
        app = create_app()
        assert rendered(app) == rendered(app) == rendered(create_app())


@pytest.mark.anyio
class TestPages:
    @pytest.mark.parametrize("path", ["/docs", "/redoc"])
    async def test_a_page_loads_from_this_host_only(self, path: str, client: httpx.AsyncClient) -> None:
        page = await client.get(path)
        assert page.headers["content-type"].startswith("text/html")
        assert "default-src 'self'" in page.headers["content-security-policy"]
        references = re.findall(r"""(?:src|href|url|spec-url)\s*[=:]\s*["']([^"']+)["']""", page.text)
        assert len(references) >= 3
        assert not re.findall(r"https?://|//[a-z]", page.text)
        for reference in references:
            assert (await client.get(reference)).status_code == 200

    async def test_the_document_is_served(self, client: httpx.AsyncClient) -> None:
        assert (await client.get("/openapi.json")).json() == create_app().openapi()

    async def test_a_proxy_may_put_the_service_below_a_path(self, anyio_backend: str) -> None:
        transport = httpx.ASGITransport(create_app(), root_path="/statistics")
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            assert '"/statistics/assets/redoc.standalone.js"' in (await client.get("/statistics/redoc")).text
            assert "'/statistics/openapi.json'" in (await client.get("/statistics/docs")).text
            assert (await client.get("/statistics/assets/favicon.png")).status_code == 200


class TestFile:
    def test_it_is_written_and_then_checked(self, tmp_path: Path) -> None:
        file = tmp_path / "openapi.json"
        main([], file)
        main(["--check"], file)
        text = file.read_text(encoding="utf-8")
        assert text.endswith("}\n")
        assert json.loads(text) == create_app().openapi()

    @pytest.mark.parametrize("content", [None, "{}"])
    def test_one_that_differs_is_named_with_what_mends_it(self, content: str | None, tmp_path: Path) -> None:
        file = tmp_path / "openapi.json"
        if content is not None:
            file.write_text(content)
        with pytest.raises(SystemExit, match=r"openapi.json is not what the app says. Mend it with: make openapi"):
            main(["--check"], file)
        assert file.exists() == (content is not None)

    def test_the_published_file_is_what_the_app_says(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where this fails, `make openapi` mends it."""
        monkeypatch.setattr(sys, "argv", ["app.openapi", "--check"])
        runpy.run_path(module.__file__, run_name="__main__")
