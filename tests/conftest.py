"""The service in-process, as its clients see it."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import settings

settings.register_profile("fuzz", max_examples=2000, deadline=None)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def no_worker_processes() -> Iterator[None]:
    """Compute everything here; the tests of worker processes have their own settings."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("ATRISK_COMPUTING_PROCESSES", "0")
        yield


@asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Start the app, and give a client of it."""
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://test") as client,
    ):
        yield client


@pytest.fixture
async def client(anyio_backend: str) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client of the service as it is without settings."""
    from app.main import create_app  # noqa: PLC0415 - the tests of the core need no service

    async with served(create_app()) as client:
        yield client
