"""When worker processes start and end, and what they are told."""

import os
import signal
from threading import Event
from typing import Any

import anyio
import pytest
from fastapi import FastAPI
from starlette.types import Message

from app.api import workers
from app.settings import Settings
from tests.api.served_toys import is_gone, lines, process_of, refused, toy, toys
from tests.api.toy import toy_app
from tests.conftest import served

pytestmark = pytest.mark.anyio


def broken_app(settings: Settings) -> FastAPI:
    raise ValueError


async def test_where_no_process_starts_the_service_is_not_ready_until_one_does(
    anyio_backend: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "SECONDS_BETWEEN_TRIALS", 0.1)
    app = toy_app(Settings(computing_processes=1, inline_body_bytes=0))
    app.state.workers.factory = broken_app
    async with served(app) as client:
        assert refused(await toy(client), "computation_lost")
        with anyio.fail_after(60):
            while "no worker process" not in [line["message"] for line in lines(caplog)]:
                await anyio.sleep(0.02)
        answer = await client.get("/readyz")
        assert refused(answer, "not_ready")
        assert answer.json()["detail"] == "The service is starting."
        app.state.workers.factory = toy_app
        with anyio.fail_after(60):
            while (await client.get("/readyz")).status_code != 200:
                await anyio.sleep(0.02)


async def test_nor_where_the_system_has_no_process_left(anyio_backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def start(_: object) -> None:
        raise BlockingIOError

    async with toys(computing_processes=1) as client:
        process = await process_of(client)
        os.kill(process, signal.SIGKILL)
        assert await is_gone(process)
        monkeypatch.setattr(workers.forks.Process, "start", start)
        assert refused(await toy(client), "computation_lost")
        monkeypatch.undo()
        assert await process_of(client)


async def test_a_request_that_comes_too_early_starts_its_process(anyio_backend: str) -> None:
    """And the service has no more of them for that."""
    async with served(toy_app(Settings(computing_processes=1, inline_body_bytes=0))) as client:
        process = await process_of(client)
        with anyio.fail_after(60):
            while (await client.get("/readyz")).status_code != 200:
                await anyio.sleep(0.02)
        assert await process_of(client) == process


def test_a_worker_process_is_told_what_its_answer_depends_on_and_not_who_asks() -> None:
    headers = [(b"accept", b"text/csv"), (b"authorization", b"Bearer mine"), (b"accept", b"*/*"), (b"cookie", b"a=b")]
    scope = {"type": "http", "path": "/v1/toys", "headers": headers, "client": ("10.0.0.1", 9), "app": object()}
    told = workers.handed_over(scope | {"state": {"request_id": "r", "secret": "s"}})
    assert told == {
        "type": "http",
        "path": "/v1/toys",
        "headers": [(b"accept", b"text/csv"), (b"accept", b"*/*")],
        "state": {"request_id": "r"},
    }


async def test_what_is_noted_of_a_request_is_known_here(anyio_backend: str) -> None:
    async with toys() as client:
        app: FastAPI = client._transport.app  # type: ignore[attr-defined]  # noqa: SLF001
        state: dict[str, Any] = {}
        headers = [(b"content-type", b"application/json")]
        scope = {"type": "http", "method": "POST", "path": "/v1/toys", "query_string": b"", "headers": headers}
        messages = iter([b'{"many": [1, 2, 3]}'])

        async def receive() -> Message:
            for body in messages:
                return {"type": "http.request", "body": body, "more_body": False}
            await anyio.sleep_forever()
            raise AssertionError

        async def send(message: Message) -> None:
            pass

        await app(scope | {"state": state}, receive, send)
    assert state["rows"] == 3


async def test_the_end_does_not_wait_for_a_process_that_starts(
    anyio_backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes seconds until the first has loaded everything."""
    loaded = Event()
    monkeypatch.setattr(workers.forks.Process, "start", lambda _: loaded.wait(60))
    with anyio.fail_after(10):
        async with served(toy_app(Settings(computing_processes=1))) as client:
            assert refused(await client.get("/readyz"), "not_ready")
            await anyio.sleep(0.1)
    loaded.set()
