"""Toys that worker processes compute, and what is asked of these."""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx
import pytest

from app.api.middleware import JSONFormatter
from app.settings import Settings
from tests.api.test_error_shape import assert_is_problem
from tests.api.toy import toy_app
from tests.conftest import served

HIDDEN = "Zebra-7391"
JSON = {"Content-Type": "application/json"}


@asynccontextmanager
async def toys(**settings: Any) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client of toys, each of which a process computes, once that is there."""
    options = {"computing_processes": 1, "inline_body_bytes": 0} | settings
    async with served(toy_app(Settings(**options))) as client:
        with anyio.fail_after(60):
            while (await client.get("/readyz")).status_code != 200:
                await anyio.sleep(0.02)
        yield client


async def toy(client: httpx.AsyncClient, **body: Any) -> httpx.Response:
    return await client.post("/v1/toys", json=body)


async def process_of(client: httpx.AsyncClient) -> int:
    answer = await toy(client)
    assert answer.status_code == 200, answer.text
    return int(answer.json()["process"])


async def is_gone(process: int) -> bool:
    """Return whether a process ends within seconds."""
    with anyio.move_on_after(5):
        while True:
            try:
                os.kill(process, 0)
            except ProcessLookupError:
                return True
            await anyio.sleep(0.01)
    return False


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


def refused(answer: httpx.Response, code: str) -> bool:
    """Return whether a request was refused as one that may be sent again."""
    problem = assert_is_problem(answer)
    assert int(answer.headers["retry-after"]) > 0
    return (answer.status_code, problem.code) == (503, code)


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """Return what the service has logged, as it is written."""
    return [json.loads(JSONFormatter().format(record)) for record in caplog.records if record.name == "atrisk"]


async def value_of(client: httpx.AsyncClient, metric: str) -> float:
    values = [line.split()[-1] for line in (await client.get("/metrics")).text.splitlines() if line.startswith(metric)]
    return float(values[0]) if values else 0
