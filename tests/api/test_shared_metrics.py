"""Metrics of several processes are one sum, whichever process is asked, and whoever of them has ended."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from prometheus_client import CONTENT_TYPE_LATEST

from app.api import shared_metrics
from app.api.middleware import Metrics
from tests.servers import PATIENCE, serving

WRITE = """
from pathlib import Path
from prometheus_client import Gauge
from app.api.middleware import Metrics
metrics = Metrics(Path({folder!r}))
for status in {statuses}:
    metrics.observe("GET", "/livez", status, 0.2)
Gauge("now", "At work", registry=metrics.registry, multiprocess_mode="livesum").set(5)
"""


def write(folder: Path, *statuses: int) -> None:
    """Count requests in a process that then ends."""
    program = WRITE.format(folder=str(folder), statuses=statuses)
    environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(folder)}  # noqa: TID251 - PATH and the like
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)  # noqa: S603


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.glob("*.db"))


def test_what_ended_processes_counted_is_kept_and_their_files_are_not(tmp_path: Path) -> None:
    folder = tmp_path / "metrics"
    for statuses in ((200, 200, 404), (200,)):
        write(folder, *statuses)
        exposed = Metrics(folder).exposition().decode()
        assert names(folder) == ["counter_0.db", "histogram_0.db"]
    assert 'http_requests_total{method="GET",route="/livez",status="200"} 3.0\n' in exposed
    assert 'http_requests_total{method="GET",route="/livez",status="404"} 1.0\n' in exposed
    assert 'http_request_duration_seconds_count{method="GET",route="/livez"} 4.0\n' in exposed
    assert 'http_request_duration_seconds_sum{method="GET",route="/livez"} 0.8\n' in exposed
    assert "now" not in exposed


@pytest.mark.parametrize("error", [None, PermissionError])
def test_files_of_a_process_that_lives_stay(
    error: type[Exception] | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the process is another user's."""
    write(tmp_path, 200)
    before = names(tmp_path)

    def kill(_pid: int, _signal: int) -> None:
        if error:
            raise error

    monkeypatch.setattr(os, "kill", kill)
    exposed = shared_metrics.exposition(tmp_path).decode()
    assert names(tmp_path) == before
    assert len(before) == 3
    assert 'http_requests_total{method="GET",route="/livez",status="200"} 1.0\n' in exposed
    assert "now 5.0\n" in exposed


@contextmanager
def two_workers(folder: Path) -> Iterator[str]:
    """Run the server with two processes, and give its address."""
    with serving(["--workers", "2"], PROMETHEUS_MULTIPROC_DIR=str(folder)) as server:
        yield server.url


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.2)


def pids(folder: Path) -> set[int]:
    return {int(name.removesuffix(".db").split("_")[-1]) for name in names(folder)} - {0}


def test_two_processes_of_a_server_count_together(tmp_path: Path) -> None:
    """And go on doing so where one of them is killed."""
    sent = 0

    def both_answer() -> bool:
        nonlocal sent
        sent += 1
        assert httpx.get(f"{url}/livez", timeout=PATIENCE).status_code == 200
        return len(pids(tmp_path)) == 2

    def count() -> float:
        answer = httpx.get(f"{url}/metrics", timeout=PATIENCE)
        assert answer.headers["content-type"] == CONTENT_TYPE_LATEST
        wanted = 'http_requests_total{method="GET",route="/livez",status="200"} '
        return sum(float(line.removeprefix(wanted)) for line in answer.text.splitlines() if line.startswith(wanted))

    with two_workers(tmp_path) as url:
        sent = int(count())  # of whoever waited for the start
        until(both_answer)
        assert {count() for _ in range(4)} == {sent}
        killed = min(pids(tmp_path))
        os.kill(killed, signal.SIGKILL)
        until(lambda: count() == sent and killed not in pids(tmp_path))
        until(both_answer)
        assert count() == sent
