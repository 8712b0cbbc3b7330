"""Requests as clients send them: answered over HTTP, or parsed and refused without."""

import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import httpx
import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel, TypeAdapter

from app.api.body import validated
from app.api.errors import ProblemError
from app.main import create_app

Json = dict[str, Any]
Faults = list[tuple[str, str]]
Model = TypeVar("Model", bound=BaseModel)


def posting(path: str, **defaults: Any) -> Callable[..., Awaitable[Json]]:
    """Return a function that posts a request with some fields, and returns the answer but for its digest."""

    async def post(client: httpx.AsyncClient, **body: Any) -> Json:
        response = await client.post(path, json=defaults | body)
        assert response.status_code == 200, response.text
        answer: Json = response.json()
        answer["meta"].pop("input_sha256")
        return answer

    return post


def asking(model: type[Model], **defaults: Any) -> tuple[Callable[..., Model], Callable[..., Faults]]:
    """Return a function that parses a request with some fields, and one that tells where and why it is refused."""
    adapter = TypeAdapter(model)

    def parsed(**fields: Any) -> Model:
        request: Model = validated(json.dumps(defaults | fields).encode(), adapter)[0]
        return request

    def faults(**fields: Any) -> Faults:
        with pytest.raises(ProblemError) as refused:
            parsed(**fields)
        return [(one.pointer, one.detail) for one in refused.value.faults]

    return parsed, faults


def validator(path: str, status: int = 200) -> Draft202012Validator:
    """Return what finds where a JSON answer with a status is not as it is documented."""
    document = create_app().openapi()
    content = document["paths"][path]["post"]["responses"][str(status)]["content"]
    (media,) = (media for name, media in content.items() if name.endswith("json"))
    return Draft202012Validator(media["schema"] | {"components": document["components"]})


def as_rows(columns: dict[str, Any]) -> list[Json]:
    """Return the rows that say what the columns say, covariates included."""
    flat = {name: column for name, column in columns.items() if name != "covariates"}
    rows = [dict(zip(flat, values, strict=True)) for values in zip(*flat.values(), strict=True)]
    if "covariates" not in columns:
        return rows
    names = columns["covariates"]
    return [row | {"covariates": {name: names[name][place] for name in names}} for place, row in enumerate(rows)]


def as_columns(rows: list[Json]) -> dict[str, list[Any]]:
    """Return the columns that say what the rows say."""
    return {name: [row[name] for row in rows] for name in rows[0]}
