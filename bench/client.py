"""A client that costs some 25 microseconds a request: it must not be what is measured.

Connections are kept, requests are made beforehand, and answers must say how long they are.
"""

import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from time import perf_counter
from types import TracebackType
from typing import Self

JSON = "application/json"
END_OF_HEAD = b"\r\n\r\n"


def request(path: str, body: bytes, media_type: str = JSON, **headers: str) -> bytes:
    """Return a POST request as it goes over the wire."""
    fields = {"Host": "127.0.0.1", "Content-Type": media_type, "Content-Length": str(len(body)), **headers}
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    return f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode() + body


def get(path: str) -> bytes:
    """Return a GET request as it goes over the wire."""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer; the names of its headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def answer_head(head: bytes) -> Answer:
    """Return the answer that a head begins, its body still empty."""
    first, *lines = head.decode("latin-1").split("\r\n")
    fields = (line.partition(":") for line in lines if line)
    return Answer(int(first.split()[1]), {name.lower(): value.strip() for name, _, value in fields}, b"")


class Connection:
    """A kept connection to a server of this machine."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=600)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._socket.close()

    def send(self, sent: bytes) -> None:
        """Send a request."""
        self._socket.sendall(sent)

    def receive(self) -> Answer:
        """Return the answer to the request sent first of those not answered."""
        received = bytearray()
        while END_OF_HEAD not in received:
            received += self._part(65536)
        head, _, begun = bytes(received).partition(END_OF_HEAD)
        answer = answer_head(head)
        body, length = bytearray(begun), int(answer.headers["content-length"])
        while len(body) < length:
            body += self._part(min(length - len(body), 2**20))
        return Answer(answer.status, answer.headers, bytes(body))

    def _part(self, size: int) -> bytes:
        part = self._socket.recv(size)
        if not part:
            raise ConnectionError("the server has closed the connection")
        return part


@contextmanager
def connections(port: int, number: int) -> Iterator[list[Connection]]:
    """Yield so many connections to a server."""
    with ExitStack() as stack:
        yield [stack.enter_context(Connection(port)) for _ in range(number)]


def one_by_one(connection: Connection, sent: bytes, seconds: float) -> list[float]:
    """Return how long each of the requests takes, in seconds, that fit one after another in some time; one at least."""
    times: list[float] = []
    until = perf_counter() + seconds
    while not times or perf_counter() < until:
        start = perf_counter()
        connection.send(sent)
        answer = connection.receive()
        times.append(perf_counter() - start)
        if answer.status != 200:
            raise ValueError(f"status {answer.status}: {answer.body[:500]!r}")
    return times


def rate(several: Sequence[Connection], sent: bytes, seconds: float) -> float:
    """Return how many requests a second a server answers that always has as many to answer as there are connections."""
    for connection in several:
        connection.send(sent)
    answered, start = 0, perf_counter()
    while perf_counter() - start < seconds:
        for connection in several:
            connection.receive()
            connection.send(sent)
            answered += 1
    elapsed = perf_counter() - start
    for connection in several:
        connection.receive()
    return answered / elapsed
