"""Worker processes: they answer as the service does, and are ended when they should be."""

import json
import logging
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Event
from typing import Any

import anyio
import httpx
import pytest
from fastapi import FastAPI
from starlette.types import Message

from app.api import workers
from app.api.middleware import JSONFormatter
from app.settings import Settings
from tests.api.test_error_shape import assert_is_problem
from tests.api.toy import toy_app
from tests.conftest import served

pytestmark = pytest.mark.anyio

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


async def test_what_is_large_is_computed_in_another_process(anyio_backend: str) -> None:
    async with toys(inline_body_bytes=14) as client:
        here, there = await toy(client, name="abc"), await toy(client, name="abcd")
    assert here.json()["process"] == os.getpid() != there.json()["process"]
    assert await is_gone(there.json()["process"])


async def test_a_process_answers_one_request_after_the_other(anyio_backend: str) -> None:
    async with toys() as client:
        assert await process_of(client) == await process_of(client)


async def test_processes_compute_side_by_side(anyio_backend: str) -> None:
    answers = []
    async with toys(computing_processes=2) as client, anyio.create_task_group() as tasks:

        async def ask() -> None:
            answers.append(await toy(client, seconds=0.3))

        tasks.start_soon(ask)
        tasks.start_soon(ask)
    assert len({answer.json()["process"] for answer in answers}) == 2


async def test_a_full_queue_refuses_at_once(anyio_backend: str) -> None:
    answers = []

    async def ask() -> None:
        answers.append(await toy(client, seconds=0.5))

    async with toys(max_queued_requests=1) as client:
        async with anyio.create_task_group() as tasks:
            for _ in range(2):
                tasks.start_soon(ask)
            with anyio.fail_after(5):
                while await value_of(client, 'computations{state="waiting"}') < 1:
                    await anyio.sleep(0.01)
            assert await value_of(client, 'computations{state="running"}') == 1
            start = time.perf_counter()
            assert refused(await toy(client), "overloaded")
            unannounced = await client.post("/v1/toys", content=chunks(b"{", b"}"), headers=JSON)
            assert refused(unannounced, "overloaded")
            assert time.perf_counter() - start < 0.3
            assert answers == []
        assert [answer.status_code for answer in answers] == [200, 200]
        assert await process_of(client)
        assert await value_of(client, 'computations_unanswered_total{reason="overloaded"}') == 2
        assert await value_of(client, 'computations{state="running"}') == 0


async def test_the_time_limit_ends_the_process_and_counts_the_wait(anyio_backend: str) -> None:
    answers = []

    async def ask() -> None:
        answers.append(await toy(client, seconds=60))

    async with toys(max_answer_seconds=1.5) as client:
        process = await process_of(client)
        start = time.perf_counter()
        async with anyio.create_task_group() as tasks:
            for _ in range(2):
                tasks.start_soon(ask)
        assert time.perf_counter() - start < 5
        assert all(refused(answer, "time_limit_exceeded") for answer in answers)
        assert "within 1.5 s" in answers[0].json()["detail"]
        assert await is_gone(process)
        assert await process_of(client) != process


async def test_what_a_client_does_not_wait_for_is_ended(anyio_backend: str, caplog: pytest.LogCaptureFixture) -> None:
    app: FastAPI
    async with toys() as client:
        app = client._transport.app  # type: ignore[attr-defined]  # noqa: SLF001
        process = await process_of(client)
        caplog.set_level(logging.INFO, "atrisk")
        caplog.clear()
        messages = iter([b'{"seconds": 60}'])

        async def receive() -> Message:
            for body in messages:
                return {"type": "http.request", "body": body, "more_body": False}
            await anyio.sleep(0.3)
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            pytest.fail("nobody is there to be answered")

        headers = [(b"content-type", b"application/json")]
        scope = {"type": "http", "method": "POST", "path": "/v1/toys", "query_string": b"", "headers": headers}
        with anyio.fail_after(10):
            await app(scope, receive, send)
        assert [(line["message"], line["status"]) for line in lines(caplog)] == [("request", 499)]
        assert await is_gone(process)
        assert await process_of(client) != process


async def test_a_process_that_dies_is_replaced_and_its_request_refused(anyio_backend: str) -> None:
    async with toys() as client, anyio.create_task_group() as tasks:
        process = await process_of(client)

        async def kill() -> None:
            await anyio.sleep(0.2)
            os.kill(process, signal.SIGKILL)

        tasks.start_soon(kill)
        with anyio.fail_after(10):
            assert refused(await toy(client, seconds=60), "computation_lost")
        other = await process_of(client)
        assert other != process
        os.kill(other, signal.SIGKILL)
        assert await is_gone(other)
        assert await process_of(client) not in {process, other}


async def test_a_bug_is_logged_here_by_its_class_and_place(
    anyio_backend: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with toys() as client:
        caplog.set_level(logging.INFO, "atrisk")
        caplog.clear()
        answer = await toy(client, fail="bug", name=HIDDEN)
        failed, request = lines(caplog)
    assert (answer.status_code, answer.json()["code"], request["status"]) == (500, "internal_error", 500)
    assert failed["exception"] == "builtins.ZeroDivisionError"
    assert failed["frames"][-1].startswith("tests.api.toy:")
    assert failed["request_id"] == answer.headers["x-request-id"]
    assert HIDDEN not in str([failed, request]) + answer.text


async def test_a_process_gives_way_to_the_service(anyio_backend: str) -> None:
    """To its event loop, to its memory, and to its terminal, whose Ctrl-C is for the service alone."""
    async with toys() as client:
        process = await process_of(client)
        assert os.getpriority(os.PRIO_PROCESS, process) == min(19, os.getpriority(os.PRIO_PROCESS, 0) + 5)
        assert Path(f"/proc/{process}/oom_score_adj").read_text("ascii") == "1000\n"
        assert os.getpgid(process) == process


async def test_a_process_writes_nothing(anyio_backend: str, capfd: pytest.CaptureFixture[str]) -> None:
    async with toys(log_level="error") as client:
        assert (await toy(client, loud=True, name=HIDDEN)).status_code == 200
        assert (await toy(client, loud=True, fail="bug", name=HIDDEN)).status_code == 500
    written = capfd.readouterr()
    assert HIDDEN not in written.out + written.err


def broken_app(settings: Settings) -> FastAPI:
    raise ValueError


async def test_where_no_process_starts_the_service_is_not_ready_and_says_so(
    anyio_backend: str, caplog: pytest.LogCaptureFixture
) -> None:
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
