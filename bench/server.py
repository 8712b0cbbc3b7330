"""Servers to measure: one process with the options of the image, on a free port of this machine."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import NamedTuple

from examples.demo import free_port, wait_until_ready

ROOT = Path(__file__).resolve().parent.parent
SERVICE = "app.main:app"
OPTIONS = (
    *("--loop", "uvloop", "--http", "httptools", "--no-access-log", "--no-server-header"),
    *("--log-level", "error", "--timeout-keep-alive", "600"),  # a connection waits while other servers are measured
)


class Server(NamedTuple):
    """A server that is ready, and its process."""

    url: str
    pid: int

    @property
    def port(self) -> int:
        """Return the port that it listens on."""
        return int(self.url.rpartition(":")[2])


@contextmanager
def serving(app: str = SERVICE, **settings: str) -> Iterator[Server]:
    """Serve an app, with the settings of the environment and these, until the caller is done."""
    port = free_port()
    with started([sys.executable, "-m", "uvicorn", app, "--port", str(port), *OPTIONS], port, **settings) as server:
        yield server


@contextmanager
def started(command: list[str], port: int, **settings: str) -> Iterator[Server]:
    """Run a command that serves on a port, from its first answer to `/readyz` until the caller is done."""
    environment = os.environ | settings  # noqa: TID251 - for another process
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    try:
        server = Server(f"http://127.0.0.1:{port}", process.pid)
        wait_until_ready(server.url, process)
        yield server
    finally:
        process.terminate()
        process.wait(timeout=30)


def memory(pid: int) -> float:
    """Return the memory of a process and of those that it has started, in MiB; what several share counts once.

    Needs Linux.
    """
    texts = (_text(Path(f"/proc/{member}/smaps_rollup")) for member in family(pid))
    lines = (line.split() for text in texts for line in text.splitlines())
    return sum(int(words[1]) for words in lines if words[0] == "Pss:") / 1024


def largest_memory() -> float:
    """Return the largest memory of this process until now, in MiB; that of `getrusage` begins with its parent's."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


@contextmanager
def watching(pid: int) -> Iterator[list[float]]:
    """Look at the memory of a service in a thread; the list has what was seen."""
    seen, ended = [memory(pid)], Event()

    def watch() -> None:
        while not ended.wait(0.02):
            seen.append(memory(pid))

    thread = Thread(target=watch)
    thread.start()
    yield seen
    ended.set()
    thread.join()


def family(pid: int) -> list[int]:
    """Return a process and those that it has started, from whichever thread."""
    children = " ".join(map(_text, Path(f"/proc/{pid}/task").glob("*/children"))).split()
    return [pid, *(member for child in children for member in family(int(child)))]


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except (FileNotFoundError, ProcessLookupError):  # of a process or thread that has ended since
        return ""
