"""The service as a process of its own."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

ROOT = Path(__file__).parent.parent
PATIENCE = 120


@dataclass
class Server:
    """A server: where it is, and what it has written to standard output and standard error when it has ended."""

    url: str
    output: str = ""


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def serving(options: Sequence[str] = (), app: str = "app.main:app", **environment: str) -> Iterator[Server]:
    """Run the service until the block ends, which it then does as it should."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", app, "--port", str(port), *options]
    with tempfile.NamedTemporaryFile() as output:
        inherited = os.environ | environment  # noqa: TID251 - PATH and the like
        process = subprocess.Popen(  # noqa: S603
            command, cwd=ROOT, env=inherited, stdout=output, stderr=subprocess.STDOUT
        )
        server = Server(f"http://127.0.0.1:{port}")
        try:
            _wait(server, process)
            yield server
        finally:
            process.terminate()
            process.wait(PATIENCE)
            server.output = Path(output.name).read_text("utf-8")


def _wait(server: Server, process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + PATIENCE
    while True:
        assert process.poll() is None, "it has ended"
        assert time.monotonic() < end, "it does not start"
        try:
            httpx.get(f"{server.url}/readyz", timeout=PATIENCE).raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.1)
        else:
            return
