"""The service with the routes of a toy."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.api.toy import toy_app
from tests.conftest import served


@pytest.fixture
async def toys(anyio_backend: str) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client of the service with the routes of tests/api/toy.py."""
    async with served(toy_app()) as client:
        yield client
