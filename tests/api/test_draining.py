"""From SIGTERM until the server shuts down."""

import os
import signal
from collections.abc import Iterator
from threading import Thread

import anyio
import httpx
import pytest

from app.api.draining import draining
from app.main import create_app
from app.settings import Settings
from tests.conftest import served

pytestmark = pytest.mark.anyio


@pytest.fixture
def shut_down() -> Iterator[list[int]]:
    """Give the signals that a server gets, which handles SIGTERM."""
    signals: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: signals.append(number))
    yield signals
    signal.signal(signal.SIGTERM, before)


def terminate() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


async def reaches(signals: list[int], seconds: float = 5) -> None:
    with anyio.fail_after(seconds):
        while not signals:
            await anyio.sleep(0.01)


async def ready(client: httpx.AsyncClient) -> tuple[int, str]:
    answer = await client.get("/readyz")
    return answer.status_code, answer.json().get("detail", "")


async def test_the_service_is_not_ready_but_answers_until_the_server_is_told(shut_down: list[int]) -> None:
    async with served(create_app(Settings(drain_seconds=0.3))) as client:
        assert await ready(client) == (200, "")
        terminate()
        assert await ready(client) == (503, "The service is about to end.")
        assert (await client.get("/livez")).status_code == 200
        assert (await client.get("/version")).status_code == 200
        assert shut_down == []
        await reaches(shut_down)
    assert shut_down == [signal.SIGTERM]


async def test_a_second_signal_reaches_the_server_at_once(shut_down: list[int]) -> None:
    async with served(create_app(Settings(drain_seconds=600))):
        terminate()
        await anyio.sleep(0.05)
        assert shut_down == []
        terminate()
        await reaches(shut_down)


async def test_without_time_to_drain_the_first_does(shut_down: list[int]) -> None:
    async with served(create_app()):
        terminate()
        await reaches(shut_down)


async def test_the_server_gets_its_handler_back(shut_down: list[int]) -> None:
    before = signal.getsignal(signal.SIGTERM)
    async with served(create_app()):
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before


def test_in_another_thread_signals_are_left_as_they_are(shut_down: list[int]) -> None:
    before = signal.getsignal(signal.SIGTERM)
    found = []

    def serve() -> None:
        with draining(create_app().state, 0):
            found.append(signal.getsignal(signal.SIGTERM))

    thread = Thread(target=serve)
    thread.start()
    thread.join()
    assert found == [before]
