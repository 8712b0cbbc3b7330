"""After SIGTERM: say that the service is not ready, and take requests until load balancers have seen that."""

import asyncio
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from starlette.datastructures import State


@contextmanager
def draining(state: State, seconds: float) -> Iterator[None]:
    """Have SIGTERM set `state.draining`, and reach the server so many seconds later; a second one does so at once."""
    server = signal.getsignal(signal.SIGTERM)
    if not callable(server) or threading.current_thread() is not threading.main_thread():
        yield  # there is no server that shuts down, or not by a signal
        return
    loop = asyncio.get_running_loop()

    def on_signal(number: int, frame: FrameType | None) -> None:
        later = 0 if state.draining else seconds
        state.draining = True
        loop.call_soon_threadsafe(loop.call_later, later, server, number, frame)

    signal.signal(signal.SIGTERM, on_signal)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, server)
