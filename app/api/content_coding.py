"""Content codings of bodies, undone while they stream in."""

import sys
import zlib
from collections.abc import Callable, Iterator

from app.api.json_text import MalformedError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PIECE = 2**20
"""Bytes that are decompressed at a time."""
MAX_WINDOW_LOG = 23
"""8 MiB: what a decompressor of the content coding must have for its window, and no more (RFC 9659)."""


class _Gzip:
    """A decompressor of zlib's with the interface of zstd's."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(wbits=31)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._inflate.eof

    @property
    def unused_data(self) -> bytes:
        return self._inflate.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        piece = self._inflate.decompress(self._inflate.unconsumed_tail + data, max_length)
        self.needs_input = not self._inflate.unconsumed_tail and len(piece) < max_length
        return piece


def _zstd() -> zstd.ZstdDecompressor:
    return zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: MAX_WINDOW_LOG})


CODINGS: dict[str, Callable[[], _Gzip | zstd.ZstdDecompressor]] = {"gzip": _Gzip, "x-gzip": _Gzip, "zstd": _zstd}
TAKEN = "gzip, zstd"


class Decoder:
    """What undoes a content coding of CODINGS: a stream of one frame (gzip: member) or several."""

    def __init__(self, coding: str) -> None:
        self._begin = CODINGS[coding]
        self._frame = self._begin()

    def decoded(self, data: bytes) -> Iterator[bytes]:
        """Yield what can be told after more of the stream, in pieces of at most a megabyte.

        Raises
        ------
        MalformedError
            If it is no such stream.
        """
        try:
            while data or not (self._frame.needs_input or self._frame.eof):
                if self._frame.eof:
                    self._frame = self._begin()
                yield self._frame.decompress(data, PIECE)
                data = self._frame.unused_data
        except (zlib.error, zstd.ZstdError):
            raise MalformedError("is not what its content encoding says") from None

    def end(self) -> None:
        """Refuse a stream that ends too early.

        Raises
        ------
        MalformedError
            If it does.
        """
        if not self._frame.eof:
            raise MalformedError("is not what its content encoding says")
