"""What a worker process answers is what the service answers, whatever it is asked."""

import json
import os
import platform
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import socket, socketpair
from threading import Thread
from types import SimpleNamespace
from typing import Any, BinaryIO

import httpx
import pyarrow as pa
import pytest
from starlette.types import Scope

from app.api import worker_process
from app.api.arrow_table import PARQUET, STREAM
from app.api.negotiation import CSV
from app.api.worker_process import LENGTHS, Answer, packed, unpickled
from app.main import create_app
from app.settings import Settings
from tests.api.toy import toy_app
from tests.arrow import written
from tests.conftest import served

EXAMPLES = Path(__file__).parents[2] / "examples"
TABLE = b"time,event,group\n5,1,a\n8.5,0,b\n12,1,a\n"
NO_EVENT = {"subjects": {"time": [1, 2], "event": [0, 0], "covariates": {"x": [1, 2]}}}
JSON = {"Content-Type": "application/json"}

Request = tuple[str, str, bytes, dict[str, str]]


def example(path: str, name: str, accept: str = "*/*") -> Request:
    return "POST", f"/v1/{path}", (EXAMPLES / f"{name}.json").read_bytes(), JSON | {"Accept": accept}


def sample(body: str | dict[str, Any], path: str = "survival", **headers: str) -> Request:
    content = body if isinstance(body, str) else json.dumps(body)
    return "POST", f"/v1/{path}", content.encode(), JSON | headers


def table(body: bytes, media_type: str, query: str = "") -> Request:
    return "POST", f"/v1/survival?{query}", body, {"Content-Type": media_type}


REQUESTS: dict[str, Request] = {
    "outcomes": example("outcomes", "bale2018"),
    "outcomes as HTML": example("outcomes", "bale2018", "text/html"),
    "outcomes as Markdown": example("outcomes", "bale2018", "text/markdown"),
    "outcomes as CSV": example("outcomes", "bale2018", "text/csv"),
    "end points": example("endpoints", "endpoints_request"),
    "end points as CSV": example("endpoints", "endpoints_request", "text/csv"),
    "survival": example("survival", "survival_request"),
    "survival as SVG": example("survival", "survival_request", "image/svg+xml"),
    "survival as PNG": example("survival", "survival_request", "image/png"),
    "survival as CSV": example("survival", "survival_request", "text/csv"),
    "curves as CSV": example("survival?table=curve", "survival_request", "text/csv"),
    "competing risks": example("competing-risks", "competing_risks_request"),
    "competing risks as SVG": example("competing-risks", "competing_risks_request", "image/svg+xml"),
    "recurrences": example("recurrences", "recurrences_request"),
    "success rates": example("success-rates", "success_rates_request"),
    "Cox model": example("regression/cox", "regression_cox_request"),
    "Fine-Gray model": example("regression/fine-gray", "regression_fine_gray_request"),
    "parametric models": example("regression/parametric", "regression_parametric_request"),
    "CSV with options": table(TABLE, CSV, "options=%7B%22horizon%22:9%7D"),
    "Parquet": table(written(pa.table({"time": [1.0, 2.0], "event": [1, 0]}), PARQUET), PARQUET),
    "no JSON": sample('{"subjects": [1,}'),
    "no CSV": table(b"time,time\n1,2\n", CSV),
    "no Arrow": table(b"ARROW", STREAM),
    "faults": sample({"subjects": {"time": [1, -2], "event": [1, 2]}, "convention": "R"}),
    "too many rows": sample({"subjects": {"time": [1] * 30, "event": [1] * 30}}),
    "no model": sample(NO_EVENT, "regression/cox"),
    "a wrong type": sample("x", **{"Content-Type": "text/plain"}),
    "a wrong parameter": table(TABLE, CSV, "table=none"),
    "nothing acceptable": sample({"subjects": {"time": [1], "event": [1]}}, Accept="text/html"),
    "a figure of the page": ("GET", "/example/survival.svg", b"", {}),
    "the report of the page": ("GET", "/example/report", b"", {}),
    "the head of a figure": ("HEAD", "/example/survival.svg", b"", {}),
}  # fmt: skip


@pytest.fixture(scope="module")
async def both(anyio_backend: str) -> AsyncIterator[list[httpx.AsyncClient]]:
    """Give a client of a service that computes all itself, and one of a service that computes nothing itself."""
    alone = Settings(max_subjects=29)
    other = Settings(max_subjects=29, computing_processes=1, inline_body_bytes=0)
    async with served(create_app(alone)) as first, served(create_app(other)) as second:
        yield [first, second]


@pytest.mark.anyio
@pytest.mark.parametrize("name", REQUESTS)
async def test_every_answer_is_the_same_byte_for_byte(name: str, both: list[httpx.AsyncClient]) -> None:
    method, path, body, headers = REQUESTS[name]
    headers = {"X-Request-ID": "mine"} | headers
    here, there = [await client.request(method, path, content=body, headers=headers) for client in both]
    assert here.status_code < 500, here.text
    assert (there.status_code, there.headers, there.content) == (here.status_code, here.headers, here.content)


@contextmanager
def isolated(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[tuple[Path, Path, list[str]]]:
    """Have `isolate` work on files instead of this process; yield what it writes, and what else it asks for."""
    asked: list[str] = []
    stream, score = folder / "stream", folder / "score"
    monkeypatch.setattr("os.setpgrp", lambda: asked.append("setpgrp"))
    monkeypatch.setattr("os.nice", lambda by: asked.append(f"nice {by}"))
    monkeypatch.setattr(worker_process, "keep_memory", lambda: asked.append("memory"))
    with stream.open("wb", buffering=0) as file:
        monkeypatch.setattr(worker_process, "STANDARD_STREAMS", (file.fileno(),))
        monkeypatch.setattr(worker_process, "OUT_OF_MEMORY_SCORE", score)
        file.write(b"before")
        yield stream, score, asked
        file.write(b"after")
    assert stream.read_bytes() == b"before"


def exchange(connection: socket, received: BinaryIO, scope: Scope, body: bytes) -> tuple[Answer, bytes]:
    """Return what is answered to a request over a connection."""
    connection.sendall(packed(scope, body))
    connection.sendall(body)
    return take(received)


def take(received: BinaryIO) -> tuple[Any, bytes]:
    of_head, of_body = LENGTHS.unpack(received.read(LENGTHS.size))
    return unpickled(received.read(of_head)), received.read(of_body)


def scope_of(path: str, method: str = "POST") -> Scope:
    headers = [(b"content-type", b"application/json")]
    state = {"request_id": "mine"}
    return {"type": "http", "method": method, "path": path, "query_string": b"", "headers": headers, "state": state}


def test_it_answers_until_the_connection_is_closed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without the middleware of the service, whose concern are the log and who asks."""
    ours, theirs = socketpair()
    keys = tmp_path / "keys.json"
    keys.touch()
    settings = Settings(computing_processes=7, api_keys_file=keys)
    keys.unlink()  # it is not asked for again
    with isolated(monkeypatch, tmp_path) as (_, score, asked):
        process = Thread(target=worker_process.run, args=(theirs, toy_app, settings))
        process.start()
        with ours, ours.makefile("rb") as received:
            assert take(received) == (None, b"")
            answer, content = exchange(ours, received, scope_of("/v1/toys"), b'{"many": [1, 2]}')
            assert (answer.status, answer.failure, answer.noted) == (200, None, {"rows": 2})
            assert dict(answer.headers)[b"content-type"] == b"application/json"
            assert b"x-request-id" not in dict(answer.headers)
            assert json.loads(content)["process"] == os.getpid()
            answer, content = exchange(ours, received, scope_of("/v1/toys"), b'{"fail": "bug", "name": "Zebra"}')
            assert answer.failure is not None
            assert answer.failure["exception"] == "builtins.ZeroDivisionError"
            assert "Zebra" not in str(answer)
            assert content == b""
            answer, content = exchange(ours, received, scope_of("/none", "GET"), b"")
            assert (answer.status, json.loads(content)["code"]) == (404, "not_found")
        process.join(10)
        assert not process.is_alive()
        assert asked == ["setpgrp", "nice 5", "memory"]
        assert score.read_text("ascii") == "1000"


def test_it_does_without_a_score(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with isolated(monkeypatch, tmp_path) as (_, score, asked):
        score.mkdir()
        worker_process.isolate()
        assert asked == ["setpgrp", "nice 5"]


def test_memory_is_asked_to_be_kept_of_glibc_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []
    for library in (SimpleNamespace(mallopt=lambda *option: asked.append(option)), SimpleNamespace()):
        monkeypatch.setattr("ctypes.CDLL", lambda _, library=library: library)
        worker_process.keep_memory()
    assert asked == [(-3, 2**30), (-1, 2**30)]


HELD = """
from pathlib import Path
import numpy as np
from app.api.worker_process import keep_memory

def mib():
    return next(int(line.split()[1]) / 1024 for line in Path("/proc/self/status").open() if line.startswith("VmRSS"))

for keep in (lambda: None, keep_memory):
    keep()
    before = mib()
    np.ones(2**23)  # 64 MiB, and gone
    print(mib() - before > 50)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries do as they like")
def test_what_large_arrays_took_is_kept() -> None:
    command = [sys.executable, "-c", HELD]
    done = subprocess.run(command, cwd=EXAMPLES.parent, check=True, capture_output=True, text=True)  # noqa: S603
    assert done.stdout.split() == ["False", "True"]


def test_a_process_ends_at_once_when_its_parent_has(monkeypatch: pytest.MonkeyPatch) -> None:
    sentinel, parents = os.pipe()
    codes: list[int] = []
    monkeypatch.setattr("multiprocessing.parent_process", lambda: SimpleNamespace(sentinel=sentinel))
    monkeypatch.setattr("os._exit", codes.append)
    watch = Thread(target=worker_process.end_with_parent)
    watch.start()
    watch.join(0.1)
    assert (watch.is_alive(), codes) == (True, [])
    os.close(parents)
    watch.join(5)
    assert codes == [1]
    os.close(sentinel)


def test_a_process_without_parent_is_left_alone() -> None:
    worker_process.end_with_parent()
