"""Compressed bodies: what they hold is read, counted as it grows, and refused where it is no such stream."""

import gzip
import json
import os
import random
import zlib
from collections.abc import AsyncIterator, Callable

import httpx
import pyarrow as pa
import pytest
from backports import zstd

from app.api.arrow_table import STREAM
from app.api.content_coding import MAX_WINDOW_LOG, PIECE, Decoder
from app.api.json_text import MalformedError
from app.main import create_app
from app.settings import Settings
from tests.api.served_toys import toys
from tests.api.toy import toy_app
from tests.arrow import written
from tests.conftest import served

Compress = Callable[[bytes], bytes]
COMPRESS: dict[str, Compress] = {"gzip": gzip.compress, "x-gzip": gzip.compress, "zstd": zstd.compress}
NOT_IT = "is not what its content encoding says"
BODY = b'{"name": "abc"}'


def decoded(coding: str, stream: bytes, chunk: int = 2**16) -> bytes:
    decoder = Decoder(coding)
    pieces = [b"".join(decoder.decoded(stream[at : at + chunk])) for at in range(0, len(stream), chunk)]
    decoder.end()
    return b"".join(pieces)


@pytest.mark.parametrize("coding", COMPRESS)
class TestDecoder:
    @pytest.mark.parametrize("chunk", [1, 7, 2**16])
    @pytest.mark.parametrize("size", [0, 1, 5000])
    def test_of_chunks_of_any_size(self, coding: str, size: int, chunk: int) -> None:
        data = random.Random(1).randbytes(size // 2) + b"a" * (size - size // 2)  # noqa: S311 - not for secrets
        assert decoded(coding, COMPRESS[coding](data), chunk) == data

    @pytest.mark.parametrize("size", [PIECE - 1, PIECE, PIECE + 1, 3 * PIECE])
    def test_of_what_becomes_large_comes_in_pieces(self, coding: str, size: int) -> None:
        decoder = Decoder(coding)
        pieces = [*decoder.decoded(COMPRESS[coding](b"a" * size))]
        decoder.end()
        assert max(map(len, pieces)) <= PIECE
        assert b"".join(pieces) == b"a" * size

    def test_of_several_frames(self, coding: str) -> None:
        stream = COMPRESS[coding](b"time,") + COMPRESS[coding](b"event")
        assert [decoded(coding, stream, chunk) for chunk in (1, 1000)] == 2 * [b"time,event"]

    def test_of_damaged_streams(self, coding: str) -> None:
        stream = COMPRESS[coding](BODY)
        for wrong in (b"", stream[:-1], stream[:8], stream + b"x" * 20, BODY, zlib.compress(BODY)):
            with pytest.raises(MalformedError, match=NOT_IT):
                decoded(coding, wrong)


def test_a_window_larger_than_the_coding_admits_is_refused() -> None:
    """A frame says how much memory it needs."""
    for window, taken in ((MAX_WINDOW_LOG, True), (MAX_WINDOW_LOG + 1, False)):
        compressor = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: window})
        stream = b"".join([compressor.compress(b"a" * 2**14), compressor.compress(b"b" * 2**14), compressor.flush()])
        if taken:
            assert len(decoded("zstd", stream)) == 2**15
        else:
            with pytest.raises(MalformedError):
                decoded("zstd", stream)


async def post(
    client: httpx.AsyncClient, body: bytes, coding: str, media_type: str = "application/json"
) -> httpx.Response:
    headers = {"Content-Type": media_type, "Content-Encoding": coding}
    return await client.post("/v1/toys", content=body, headers=headers)


@pytest.mark.anyio
@pytest.mark.parametrize("coding", COMPRESS)
class TestRoute:
    async def test_the_answer_is_that_of_the_body_inside(self, coding: str, anyio_backend: str) -> None:
        async with served(toy_app()) as client:
            expected = await post(client, BODY, "identity")
            for name in (coding, coding.upper()):
                assert (await post(client, COMPRESS[coding](BODY), name)).content == expected.content

    async def test_tables_may_be_compressed(self, client: httpx.AsyncClient, coding: str) -> None:
        table = {"time": [5, 8.5], "event": [1, 0]}
        expected = await client.post("/v1/survival", json={"subjects": table})
        for media_type, body in (("text/csv", b"time,event\n5,1\n8.5,0\n"), (STREAM, written(pa.table(table), STREAM))):
            headers = {"Content-Type": media_type, "Content-Encoding": coding}
            answer = await client.post("/v1/survival", content=COMPRESS[coding](body), headers=headers)
            assert answer.content == expected.content

    async def test_damaged_bodies_are_refused(self, client: httpx.AsyncClient, coding: str) -> None:
        for media_type, code in (("application/json", "invalid_json"), ("text/csv", "invalid_table")):
            headers = {"Content-Type": media_type, "Content-Encoding": coding}
            answer = await client.post("/v1/survival", content=COMPRESS[coding](BODY)[:-1], headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (400, code)
            assert answer.json()["errors"] == [{"pointer": "", "detail": NOT_IT}]

    async def test_the_limit_is_of_what_is_inside(self, coding: str, anyio_backend: str) -> None:
        limit = 2 * PIECE
        async with served(toy_app(Settings(max_body_bytes=limit))) as client:
            for size, status in ((limit, 200), (limit + 1, 413), (100 * limit, 413)):
                body = json.dumps({"name": "abc"}).ljust(size).encode()
                assert (await post(client, COMPRESS[coding](body), coding)).status_code == status

    async def test_a_stream_that_holds_nothing_has_a_limit(self, coding: str, anyio_backend: str) -> None:
        """It ends at the limit, however long it would go on."""
        sent = 0

        async def nothing() -> AsyncIterator[bytes]:
            nonlocal sent
            while True:
                sent += 1
                yield COMPRESS[coding](b"")

        async with served(create_app(Settings(max_body_bytes=1000))) as client:
            headers = {"Content-Type": "application/json", "Content-Encoding": coding}
            answer = await client.post("/v1/survival", content=nothing(), headers=headers)
        assert answer.status_code == 413
        assert sent <= 1000

    async def test_another_process_is_given_the_body_inside(self, coding: str, anyio_backend: str) -> None:
        async with toys(inline_body_bytes=0) as client:
            answer = await post(client, COMPRESS[coding](BODY), coding)
        assert answer.json()["process"] != os.getpid()

    async def test_codings_on_top_of_each_other_are_not_taken(self, coding: str, anyio_backend: str) -> None:
        async with served(toy_app()) as client:
            answer = await post(client, COMPRESS[coding](COMPRESS[coding](BODY)), f"{coding}, {coding}")
        assert answer.status_code == 415
        assert answer.headers["accept-encoding"] == "gzip, zstd"
