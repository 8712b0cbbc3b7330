"""The service as it is run: uvicorn on a port of this machine, with worker processes, under load and under attack."""

import json
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from examples.demo import free_port

ROOT = Path(__file__).resolve().parent.parent
HIDDEN = "Zebra-7391"
PROC = Path("/proc")
SERVER = ("--loop", "uvloop", "--http", "httptools", "--no-access-log", "--timeout-graceful-shutdown", "30")

pytestmark = pytest.mark.skipif(not PROC.exists(), reason="looks for processes where Linux has them")


class Service:
    """Toys, served by a process of their own; bodies of more than 2 bytes go to its worker processes."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
        self.process = process
        self.port = port
        self.log = log
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60)
        self._pool = ThreadPoolExecutor(16)

    def toy(self, **body: Any) -> httpx.Response:
        return self.client.post("/v1/toys", json={"name": HIDDEN} | body)

    def toys(self, number: int, **body: Any) -> list["Future[httpx.Response]"]:
        """Ask for several at once."""
        return [self._pool.submit(self.toy, **body) for _ in range(number)]

    def at_work(self) -> dict[str, int]:
        """Return how many requests run, how many wait, and how many clients have left."""
        numbers = dict.fromkeys(("running", "waiting", "client_left"), 0)
        for line in self.client.get("/metrics").text.splitlines():
            if found := re.fullmatch(r'computations(?:_unanswered_total)?{\w+="(\w+)"} (.+)', line):
                numbers[found[1]] = int(float(found[2]))
        return numbers

    def family(self) -> set[int]:
        """Return the processes that the service has started, and those that these have."""
        return set(descendants(self.process.pid))

    def is_ready(self) -> bool:
        try:
            return self.client.get("/readyz").status_code == 200
        except httpx.TransportError:
            return False


def descendants(process: int) -> Iterator[int]:
    for children in PROC.glob(f"{process}/task/*/children"):
        for child in map(int, children.read_text("ascii").split()):
            yield child
            yield from descendants(child)


@contextmanager
def serving(folder: Path, *options: str, **settings: object) -> Iterator[Service]:
    """Serve toys, and end all processes of the service in the end; what it wrote has nothing of what it was sent."""
    port, log = free_port(), folder / "log"
    settings = {"computing_processes": 2, "inline_body_bytes": 2, "max_answer_seconds": 30} | settings
    environment = {f"ATRISK_{name.upper()}": str(value) for name, value in settings.items()}
    command = [sys.executable, "-m", "uvicorn", "tests.api.toy:toy_app", "--factory", "--port", str(port), *SERVER]
    inherited = os.environ  # noqa: TID251 - for another process
    with log.open("wb") as file:
        process = subprocess.Popen(  # noqa: S603 - a command of ours
            [*command, *options], cwd=ROOT, env=inherited | environment, stdout=file, stderr=subprocess.STDOUT
        )
    service = Service(process, port, log)
    try:
        yield service
    finally:
        for one in (*service.family(), process.pid):
            with suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)
        process.wait()
        service.client.close()
    written = log.read_text("utf-8")
    assert '"message": "request"' in written
    assert HIDDEN not in written


def happens(what: Callable[[], bool], seconds: float = 30) -> bool:
    """Return whether something is so within some time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if what():
            return True
        time.sleep(0.02)
    return False


def exists(process: int) -> bool:
    """Return whether a process runs still."""
    try:
        return (PROC / str(process) / "stat").read_text("ascii").rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving(tmp_path_factory.mktemp("service")) as service:
        assert happens(service.is_ready)
        yield service


def test_health_answers_at_once_while_all_processes_compute(service: Service) -> None:
    computed = service.toys(4, seconds=1.5)
    assert happens(lambda: service.at_work() == {"running": 2, "waiting": 2, "client_left": 0})
    took: dict[str, list[float]] = {"/livez": [], "/readyz": []}
    for path in [*took] * 20:
        start = time.perf_counter()
        assert service.client.get(path).status_code == 200
        took[path].append(time.perf_counter() - start)
    assert not any(one.done() for one in computed[2:])
    assert max(map(statistics.median, took.values())) < 0.05
    assert [one.result().status_code for one in computed] == [200] * 4


def test_what_a_client_does_not_wait_for_is_ended(service: Service) -> None:
    (process,) = {service.toy().json()["process"]}
    body = json.dumps({"name": HIDDEN, "seconds": 600}).encode()
    head = f"POST /v1/toys HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", service.port)) as connection:
        connection.sendall(head.encode() + body)
        assert happens(lambda: service.at_work()["running"] == 1)
    assert happens(lambda: service.at_work()["client_left"] == 1)
    assert happens(lambda: service.at_work()["running"] == 0)
    assert happens(lambda: not exists(process))
    assert '"status": 499' in service.log.read_text("utf-8")
    assert service.toy().status_code == 200


def test_a_killed_process_costs_its_own_request_and_no_other(service: Service) -> None:
    first = {one.result().json()["process"] for one in service.toys(2, seconds=0.5)}
    assert len(first) == 2
    victims, others = service.toys(2, seconds=1), service.toys(4, seconds=0.1)
    assert happens(lambda: service.at_work()["waiting"] == 4)
    os.kill(min(first), signal.SIGKILL)
    answers = [one.result() for one in (*victims, *others)]
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [503]
    (lost,) = (answer for answer in answers if answer.status_code == 503)
    assert lost.json()["code"] == "computation_lost"
    assert len({one.result().json()["process"] for one in service.toys(2, seconds=0.5)} - first) == 1


def test_killed_itself_it_leaves_no_process_behind(service: Service) -> None:
    """Not even those that compute and listen to nobody."""
    lost = service.toys(2, seconds=600)
    assert happens(lambda: service.at_work()["running"] == 2)
    family = service.family()
    assert len(family) == 4
    service.process.kill()
    assert happens(lambda: not any(map(exists, family)))
    for one in lost:
        assert isinstance(one.exception(), httpx.TransportError)


def test_from_start_to_end_nothing_is_lost(tmp_path: Path) -> None:
    """It answers before it is ready, and is not ready from SIGTERM on, but finishes what runs, waits or comes yet."""
    with serving(tmp_path, drain_seconds=1) as service:
        assert happens(lambda: (tmp_path / "log").read_text("utf-8").count("Uvicorn running") == 1)
        early = service.client.get("/readyz")
        assert (early.status_code, early.json()["code"]) == (503, "not_ready")
        here = service.client.post("/v1/toys", json={})
        assert (here.status_code, here.json()["process"]) == (200, service.process.pid)
        assert service.client.get("/readyz").status_code == 503
        assert happens(service.is_ready)
        assert len(service.family()) == 4
        accepted = service.toys(4, seconds=1)
        assert happens(lambda: service.at_work() == {"running": 2, "waiting": 2, "client_left": 0})
        family = service.family()
        service.process.terminate()
        assert happens(lambda: not service.is_ready(), 0.8)
        late = service.toys(3, seconds=0.2)
        assert service.client.get("/livez").status_code == 200
        assert [one.result().status_code for one in accepted + late] == [200] * 7
        assert service.process.wait(10) == -signal.SIGTERM
        assert happens(lambda: not any(map(exists, family)))


def test_several_processes_of_the_server_have_each_their_own(tmp_path: Path) -> None:
    """And where one of these is killed, so are its own, and it is replaced."""
    with serving(tmp_path, "--workers", "2", computing_processes=1) as service:
        assert happens(lambda: '"message": "Application startup complete."' in service.log.read_text("utf-8"))
        assert happens(lambda: all(service.is_ready() for _ in range(8)), 60)
        assert len({one.result().json()["process"] for one in service.toys(8, seconds=0.3)}) == 2
        before = service.family()
        computing = service.toy().json()["process"]
        fork_server = parent_of(computing)
        os.kill(parent_of(fork_server), signal.SIGKILL)
        assert happens(lambda: not exists(computing) and not exists(fork_server))
        assert happens(lambda: len(service.family() - before) == 3, 60)
        family = service.family()
        service.process.terminate()
        assert service.process.wait(30) == 0
        assert happens(lambda: not any(map(exists, family)))


def parent_of(process: int) -> int:
    return int((PROC / str(process) / "stat").read_text("ascii").rsplit(")", 1)[1].split()[1])
