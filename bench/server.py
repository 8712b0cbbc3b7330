"""Servers to measure: one process with the options of the image, on a free port of this machine."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
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
def serving(app: str = SERVICE) -> Iterator[Server]:
    """Serve an app, with the settings of the environment, until the caller is done."""
    port = free_port()
    with started([sys.executable, "-m", "uvicorn", app, "--port", str(port), *OPTIONS], port) as server:
        yield server


@contextmanager
def started(command: list[str], port: int) -> Iterator[Server]:
    """Run a command that serves on a port, from its first answer to `/readyz` until the caller is done."""
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        server = Server(f"http://127.0.0.1:{port}", process.pid)
        wait_until_ready(server.url, process)
        yield server
    finally:
        process.terminate()
        process.wait(timeout=30)


def memory(pid: int, field: str = "VmRSS") -> float:
    """Return the memory of a process and of those that it has started, in MiB: VmRSS, or its largest yet, VmHWM.

    Needs Linux.
    """
    lines = [line.split() for member in family(pid) for line in _text(Path(f"/proc/{member}/status")).splitlines()]
    return sum(int(words[1]) for words in lines if words[0] == f"{field}:") / 1024


def family(pid: int) -> list[int]:
    """Return a process and those that it has started, from whichever thread."""
    children = " ".join(map(_text, Path(f"/proc/{pid}/task").glob("*/children"))).split()
    return [pid, *(member for child in children for member in family(int(child)))]


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except (FileNotFoundError, ProcessLookupError):  # of a process or thread that has ended since
        return ""
