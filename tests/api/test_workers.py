"""Worker processes: they answer as the service does, and are ended when they should be."""

import logging
import os
import signal
import time
from pathlib import Path

import anyio
import pytest
from fastapi import FastAPI
from starlette.types import Message

from tests.api.served_toys import HIDDEN, JSON, chunks, is_gone, lines, process_of, refused, toy, toys, value_of

pytestmark = pytest.mark.anyio


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

    async with toys(max_answer_seconds=3) as client:
        process = await process_of(client)
        start = time.perf_counter()
        async with anyio.create_task_group() as tasks:
            for _ in range(2):
                tasks.start_soon(ask)
        assert time.perf_counter() - start < 10
        assert all(refused(answer, "time_limit_exceeded") for answer in answers)
        assert "within 3 s" in answers[0].json()["detail"]
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
