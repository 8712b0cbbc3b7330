"""Worker processes: large and slow requests are answered by the same app in a process of their own, which can be ended.

The event loop computes what is small, which would lose by going elsewhere. All else waits in a queue that has an end,
for a process that is ended where the time limit passes or the client leaves: nothing else ends a computation. Processes
are forks of one that has loaded everything (multiprocessing's fork server), so that a new one is there in no time.
"""

import asyncio
import logging
import multiprocessing
import socket
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from multiprocessing.connection import wait
from multiprocessing.context import ForkServerProcess
from typing import Any, TypeVar

import anyio
import anyio.to_thread
from anyio.abc import UNIXSocketStream
from anyio.streams.buffered import BufferedByteReceiveStream
from fastapi import Request, Response
from prometheus_client import CollectorRegistry, Counter, Gauge
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope

from app.api.errors import ProblemError, RemoteError
from app.api.worker_process import LENGTHS, Answer, Factory, packed, run, unpickled
from app.settings import Settings

T = TypeVar("T")
Answered = tuple[Answer, bytes]

logger = logging.getLogger("atrisk")
forks = multiprocessing.get_context("forkserver")

LOADED_ON_USE = ("lifelines", "app.rendering.canvas")
"""What would have to be loaded while a request waits."""

PARTS = ("type", "asgi", "http_version", "method", "scheme", "server", "root_path", "path", "raw_path", "query_string")
HEADERS = (b"accept", b"content-type")
"""Of a request, what its answer depends on once its body is read; who asks is no concern of a worker's."""

SECONDS_BETWEEN_TRIALS = 5.0
LOST = (anyio.EndOfStream, anyio.IncompleteRead, anyio.BrokenResourceError, EOFError, OSError)


class Worker:
    """A process that answers one request at a time, and our end of the connection to it."""

    def __init__(self, process: ForkServerProcess, connection: socket.socket, stream: UNIXSocketStream) -> None:
        self._process = process
        self._connection = connection
        self._stream = stream
        self._received = BufferedByteReceiveStream(stream)

    @classmethod
    async def start(cls, factory: Factory, settings: Settings) -> "Worker":
        """Return a worker that has its app."""
        ours, theirs = socket.socketpair()
        process = forks.Process(target=run, args=(theirs, factory, settings), daemon=True)
        worker = cls(process, ours, await UNIXSocketStream.from_socket(ours))
        try:
            await anyio.to_thread.run_sync(start, process, theirs, abandon_on_cancel=True)
            await worker._receive()
        except BaseException:
            worker.end()
            raise
        return worker

    async def ask(self, scope: Scope, body: bytes) -> Answered:
        """Return what the app answers to a request."""
        await self._stream.send(packed(scope, body))
        await self._stream.send(body)
        return await self._receive()

    async def _receive(self) -> Answered:
        of_head, of_body = LENGTHS.unpack(await self._received.receive_exactly(LENGTHS.size))
        head: Answer = unpickled(await self._received.receive_exactly(of_head))
        return head, await self._received.receive_exactly(of_body)

    def lives(self) -> bool:
        """Return whether the process is there, which says nothing unasked: there would be the end of the connection."""
        return not wait([self._connection], timeout=0)

    def release(self) -> None:
        """Let the process end, which has nothing to do."""
        self._connection.close()

    def end(self) -> None:
        """End the process at once, whatever it does."""
        self.release()
        if self._process.pid is not None:
            self._process.kill()


def start(process: ForkServerProcess, connection: socket.socket) -> None:
    """Start a process, which takes over a connection; where the fork server must load everything first, in seconds."""
    with connection:
        process.start()


class Workers:
    """The worker processes of an app, and the queue in front of them."""

    def __init__(self, settings: Settings, factory: Factory, registry: CollectorRegistry) -> None:
        self.factory = factory
        self.loaded = (factory.__module__, *LOADED_ON_USE)
        self.ready = False
        self._settings = settings
        self._idle: list[Worker] = []
        self._turn = anyio.CapacityLimiter(settings.computing_processes)
        self._taken = 0
        self._at_work = Gauge(
            "computations",
            "Requests that wait for a worker process, or run in one",
            ("state",),
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._unanswered = Counter(
            "computations_unanswered", "Requests that worker processes gave no answer", ("reason",), registry=registry
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Start the processes in the background, and end them afterwards."""
        warming_up = asyncio.create_task(self._warm_up())
        try:
            yield
        finally:
            warming_up.cancel()
            await asyncio.wait([warming_up])
            while self._idle:
                self._idle.pop().release()

    async def _warm_up(self) -> None:
        while not self.ready:
            try:
                await self._add()
            except LOST:
                logger.exception("no worker process")
                await anyio.sleep(SECONDS_BETWEEN_TRIALS)

    async def _add(self) -> None:
        async with self._turn:  # requests start what they need in the meantime
            if len(self._idle) + self._turn.borrowed_tokens <= self._settings.computing_processes:
                self._idle.append(await self._start())
            else:
                self.ready = True

    async def _start(self) -> Worker:
        forks.set_forkserver_preload([*self.loaded])
        return await Worker.start(self.factory, self._settings)

    def check_room(self) -> None:
        """Refuse a request if as many as may are computed or wait."""
        if self._taken >= self._settings.computing_processes + self._settings.max_queued_requests:
            raise self._refusal("overloaded", "As many requests as may are being computed or wait for it.")

    async def answer(self, request: Request, body: bytes = b"") -> Response:
        """Return what a worker process answers to a request.

        Raises
        ------
        ProblemError
            If the queue is full, if the time limit passes, or if the process dies.
        ClientDisconnect
            If the client leaves before.
        """
        self.check_room()
        self._taken += 1
        try:
            answered = await unless_left(request.receive, self._in_time(handed_over(request.scope), body))
        finally:
            self._taken -= 1
        if answered is None:
            self._unanswered.labels("client_left").inc()
            raise ClientDisconnect
        if isinstance(answered, ProblemError):
            raise answered
        request.scope["state"].update(answered[0].noted)
        return as_response(*answered)

    async def _in_time(self, scope: Scope, body: bytes) -> Answered | ProblemError:
        seconds = self._settings.max_answer_seconds
        with anyio.move_on_after(seconds):
            try:
                return await self._in_turn(scope, body)
            except LOST:
                return self._refusal("computation_lost", "The same request may succeed when it is sent again.")
        detail = f"Requests that are large or slow must be answered within {seconds:g} s, their wait included."
        return self._refusal("time_limit_exceeded", detail)

    async def _in_turn(self, scope: Scope, body: bytes) -> Answered:
        with self._at_work.labels("waiting").track_inprogress():
            await self._turn.acquire()
        try:
            with self._at_work.labels("running").track_inprogress():
                return await self._computed(scope, body)
        finally:
            self._turn.release()

    async def _computed(self, scope: Scope, body: bytes) -> Answered:
        worker = await self._take()
        try:
            answered = await worker.ask(scope, body)
        except BaseException:
            worker.end()
            raise
        self._idle.append(worker)
        return answered

    async def _take(self) -> Worker:
        while self._idle:
            worker = self._idle.pop()
            if worker.lives():
                return worker
            worker.release()
        return await self._start()

    def _refusal(self, code: str, detail: str) -> ProblemError:
        self._unanswered.labels(code).inc()
        return ProblemError(code, detail)


def workers_of(request: Request) -> Workers | None:
    """Return the workers that answer what is large or slow, or None in one of them."""
    workers: Workers | None = request.app.state.workers
    return workers


async def unless_left(receive: Receive, compute: Coroutine[Any, Any, T]) -> T | None:
    """Return what is computed, or None as soon as the client leaves."""
    computing, leaving = asyncio.create_task(compute), asyncio.create_task(left(receive))
    try:
        await asyncio.wait({computing, leaving}, return_when=asyncio.FIRST_COMPLETED)
        return computing.result() if computing.done() else None
    finally:
        computing.cancel()
        leaving.cancel()


async def left(receive: Receive) -> None:
    """Return when the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass


def handed_over(scope: Scope) -> Scope:
    """Return what of a request a worker process is given."""
    headers = [header for header in scope["headers"] if header[0] in HEADERS]
    parts = {name: scope[name] for name in PARTS if name in scope}
    return {**parts, "headers": headers, "state": {"request_id": scope["state"]["request_id"]}}


def as_response(answer: Answer, content: bytes) -> Response:
    """Return what the app answered in a worker process, or raise what it is known to have failed of."""
    if answer.failure is not None:
        raise RemoteError(answer.failure)
    response = Response(content, answer.status)
    response.raw_headers = answer.headers
    return response
