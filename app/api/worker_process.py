"""What a worker process does: it answers requests one at a time by the app that its parent has, until it is ended.

What goes either way is two lengths, a pickled head and the bytes of a body. Nothing is written anywhere: what a
library prints, and what an exception says, may hold data.
"""

import asyncio
import contextlib
import ctypes
import multiprocessing
import os
import pickle
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from pathlib import Path
from socket import socket
from typing import Any

from fastapi import FastAPI
from starlette.types import Message, Scope

from app.api.middleware import describe
from app.settings import Settings

Factory = Callable[[Settings], FastAPI]
"""Makes the app; a function of a module, since its name is what a process is given."""

OF_THE_PARENT: dict[str, object] = {
    "computing_processes": 0, "telemetry": False, "api_keys": (), "api_keys_file": None, "jwks_file": None
}  # fmt: skip
"""Settings of what is done already: who asks has been let in, and what is told of it is told there."""
NOTED = ("rows",)
LENGTHS = struct.Struct("!QQ")
OUT_OF_MEMORY_SCORE = Path("/proc/self/oom_score_adj")
"""Where memory runs out, Linux ends the process with the highest score: a worker, and not its parent."""

STANDARD_STREAMS = (1, 2)
LESS_URGENT = 5
"""By so much workers are nicer than their parent, which answers health and small requests."""

KEPT = 2**30
"""Bytes of memory that a worker keeps for its next request rather than give back."""
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""The options of glibc's malloc.h: from so much on it gives back what is free, or makes room outside its heap."""


@dataclass(slots=True)
class Answer:
    """What the app answered; or of the exception that it raised, the class and the place."""

    status: int = 500
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    failure: dict[str, object] | None = None
    noted: dict[str, object] = field(default_factory=dict)
    """What the app wrote beside the request for the log and the metrics."""


def run(connection: socket, factory: Factory, settings: Settings) -> None:
    """Answer the requests that come over a connection; the process has no other purpose."""
    isolate()
    keep_memory()
    app = factory(settings.model_copy(update=OF_THE_PARENT))
    app.user_middleware.clear()  # the parent's has seen the request, and will see the answer
    serve(connection, app)


def isolate() -> None:
    """Have this process write nothing, give way to its parent, and end with it."""
    os.setpgrp()
    os.nice(LESS_URGENT)
    with contextlib.suppress(OSError):
        OUT_OF_MEMORY_SCORE.write_text("1000", "ascii")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in STANDARD_STREAMS:
        os.dup2(nowhere, stream)
    threading.Thread(target=end_with_parent, daemon=True).start()


def keep_memory() -> None:
    """Have glibc, where it is the C library, keep what large arrays took.

    To get it back from the system page by page takes as long as all else that a million rows need.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(MMAP_THRESHOLD, KEPT)
        mallopt(TRIM_THRESHOLD, KEPT)


def end_with_parent() -> None:
    """End this process at once, whatever it computes, when its parent has ended."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def serve(connection: socket, app: FastAPI) -> None:
    """Say that the app is there, then answer requests until the other side closes the connection."""
    with connection, connection.makefile("rb") as received, asyncio.Runner() as runner:
        connection.sendall(packed(None, b""))
        while lengths := received.read(LENGTHS.size):
            of_head, of_body = LENGTHS.unpack(lengths)
            scope, body = unpickled(received.read(of_head)), received.read(of_body)
            answer, content = runner.run(respond(app, scope, body))
            connection.sendall(packed(answer, content))
            connection.sendall(content)


def packed(head: object, body: bytes | bytearray) -> bytes:
    """Return what is sent before a body."""
    pickled = pickle.dumps(head)
    return LENGTHS.pack(len(pickled), len(body)) + pickled


def unpickled(head: bytes) -> Any:
    """Return what comes before a body; only processes of this service send it."""
    return pickle.loads(head)  # noqa: S301 - see above


async def respond(app: FastAPI, scope: Scope, body: bytes) -> tuple[Answer, bytes]:
    """Return what the app answers to a request."""
    answer, content = Answer(), bytearray()

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer.status, answer.headers = message["status"], message["headers"]
        content.extend(message.get("body", b""))

    try:
        await app(scope, receive, send)
    except Exception as error:
        return Answer(failure=describe(error)), b""
    answer.noted = {name: scope["state"][name] for name in NOTED if name in scope["state"]}
    return answer, bytes(content)
