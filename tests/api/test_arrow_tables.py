"""Arrow and Parquet bodies: what they mean, and how they are refused before they take up memory."""

import io
import json
import random
from datetime import date
from decimal import Decimal
from typing import Any

import httpx
import pyarrow as pa
import pytest

from app.api import tables
from app.api.arrow_table import ARROW, FILE, PARQUET, STREAM, Limits, read_arrow
from app.api.errors import ProblemError
from app.api.json_text import MalformedError
from app.main import create_app
from app.settings import Settings
from examples.regenerate import path_of
from tests.api.test_tables import EXAMPLES, FLAT
from tests.arrow import written
from tests.conftest import served

SMALL = {"time": [5, 8.5, 12], "event": [1, 0, 1]}
NOT_IT = "is not what its content type says"


async def post(
    client: httpx.AsyncClient, body: bytes, media_type: str = STREAM, path: str = "/v1/survival", **query: str
) -> httpx.Response:
    return await client.post(path, content=body, headers={"Content-Type": media_type}, params=query)


async def assert_means(client: httpx.AsyncClient, table: pa.Table, media_type: str, subjects: Any) -> None:
    """Assert that a table is answered with the bytes, digest included, that the JSON of its subjects is."""
    answer = await post(client, written(table, media_type), media_type)
    assert answer.status_code == 200, answer.text
    assert answer.content == (await client.post("/v1/survival", json={"subjects": subjects})).content


async def refused(client: httpx.AsyncClient, body: bytes, media_type: str = STREAM, path: str = "/v1/survival") -> Any:
    response = await post(client, body, media_type, path)
    problem = response.json()
    return response.status_code, problem["code"], [(one["pointer"], one["detail"]) for one in problem["errors"]]


@pytest.mark.anyio
class TestMeaning:
    @pytest.mark.parametrize("media_type", ARROW)
    @pytest.mark.parametrize("name", FLAT)
    async def test_the_examples(self, client: httpx.AsyncClient, name: str, media_type: str) -> None:
        """Each gives the bytes that the JSON gives, `input_sha256` included."""
        request = json.loads((EXAMPLES / name).read_text("utf-8"))
        columns = dict(request["subjects"])
        columns |= columns.pop("covariates", {})
        options = json.dumps({field: value for field, value in request.items() if field != "subjects"})
        answer = await post(client, written(pa.table(columns), media_type), media_type, path_of(name), options=options)
        assert answer.status_code == 200, answer.text
        assert answer.content == (await client.post(path_of(name), json=request)).content

    @pytest.mark.parametrize("media_type", ARROW)
    @pytest.mark.parametrize(
        ("column", "values"),
        [
            (pa.array(["a", "b", "a"]).dictionary_encode(), ["a", "b", "a"]),
            (pa.array([7, 8, 7]).dictionary_encode(), [7, 8, 7]),
            (pa.array(["01", "\u4e2d", "c"], pa.large_string()), ["01", "\u4e2d", "c"]),
            (pa.array([1, -2, 2**53 - 1], pa.int64()), [1, -2, 2**53 - 1]),
            (pa.array([1, 2, 200], pa.uint8()), [1, 2, 200]),
            (pa.array([1.0, 2.0, 3.0], pa.float32()), [1, 2, 3]),
            (pa.array([True, False, True]), [True, False, True]),
        ],
        ids=lambda value: str(getattr(value, "type", "")),
    )
    async def test_types(self, client: httpx.AsyncClient, column: pa.Array, values: list[Any], media_type: str) -> None:
        await assert_means(client, pa.table(SMALL | {"group": column}), media_type, SMALL | {"group": values})

    @pytest.mark.parametrize("media_type", ARROW)
    async def test_nulls(self, client: httpx.AsyncClient, media_type: str) -> None:
        """Of a cause they are censorings, also where the words are in a dictionary."""
        causes = ["relapse", None, "death"]
        table = pa.table({"time": [5, 8, 9], "cause": pa.array(causes).dictionary_encode()})
        answer = await post(client, written(table, media_type), media_type, "/v1/competing-risks")
        subjects = {"time": [5, 8, 9], "cause": causes}
        assert answer.content == (await client.post("/v1/competing-risks", json={"subjects": subjects})).content
        for column in (pa.array([1, None, 0]), pa.array([1.0, None, 0.0]), pa.nulls(3)):
            found = await refused(
                client, written(pa.table({"time": [5, 8, 9], "event": column}), media_type), media_type
            )
            assert ("/subjects/event/1", "must be true, false, 1 or 0") in found[2]

    async def test_an_adtte(self, client: httpx.AsyncClient) -> None:
        table = pa.table({"USUBJID": ["1", "2"], "PARAMCD": ["OS", "PFS"], "AVAL": [5.5, 6], "CNSR": [0, 1]})
        answer = await post(client, written(table, PARQUET), PARQUET, paramcd="OS")
        subjects = {"time": [5.5], "event": [True]}
        assert answer.content == (await client.post("/v1/survival", json={"subjects": subjects})).content


@pytest.mark.anyio
class TestRefusal:
    @pytest.mark.parametrize("media_type", ARROW)
    @pytest.mark.parametrize(
        "column",
        [pa.array([date(2020, 1, 1)] * 3), pa.array([Decimal("1.5")] * 3), pa.array([[1]] * 3), pa.array([b"a"] * 3)],
        ids=lambda column: str(column.type),
    )
    async def test_of_types(self, client: httpx.AsyncClient, column: pa.Array, media_type: str) -> None:
        """By the name of the column, wherever it is in the request."""
        detail = "must be of integers, floating-point numbers, booleans or text"
        for name, path, pointer in (
            ("time", "/v1/survival", "/subjects/time"),
            ("a/b~", "/v1/regression/cox", "/subjects/covariates/a~1b~0"),
        ):
            body = written(pa.table(SMALL | {name: column}), media_type)
            assert await refused(client, body, media_type, path) == (422, "invalid_body", [(pointer, detail)])

    @pytest.mark.parametrize("media_type", ARROW)
    async def test_of_numbers_that_json_lacks(self, client: httpx.AsyncClient, media_type: str) -> None:
        table = pa.table({"time": [1, float("nan"), float("inf")], "event": [1, 1, 1]})
        expected = [("/subjects/time/1", "must be a finite number"), ("/subjects/time/2", "must be a finite number")]
        assert await refused(client, written(table, media_type), media_type) == (422, "invalid_body", expected)
        large = written(pa.table(SMALL | {"group": [1, 2, 2**53]}), media_type)
        assert (await refused(client, large, media_type))[2][0][0] == "/subjects/group/2"

    @pytest.mark.parametrize("media_type", ARROW)
    @pytest.mark.parametrize("body", [b"", b"time,event\n1,1\n", b"{}", b"ARROW1\0\0", b"PAR1PAR1", b"\xff" * 100])
    async def test_of_other_bodies(self, client: httpx.AsyncClient, body: bytes, media_type: str) -> None:
        assert await refused(client, body, media_type) == (400, "invalid_table", [("", NOT_IT)])

    @pytest.mark.parametrize("media_type", ARROW)
    async def test_of_damaged_ones(self, client: httpx.AsyncClient, media_type: str) -> None:
        """Whatever byte is wrong: an answer or a refusal."""
        table = pa.table(SMALL | {"group": pa.array(["a", "b", "a"]).dictionary_encode(), "stratum": ["x", "y", "x"]})
        body, choose, seen = written(table, media_type), random.Random(1), set()  # noqa: S311 - not for secrets
        for _ in range(300):
            wrong = bytearray(body)
            wrong[choose.randrange(len(wrong))] = choose.randrange(256)
            cut = wrong[: choose.choice([len(wrong), len(wrong), choose.randrange(len(wrong))])]
            seen.add((await post(client, bytes(cut), media_type)).status_code)
        assert seen <= {200, 400, 413, 422}
        assert 400 in seen

    @pytest.mark.parametrize("media_type", ARROW)
    async def test_of_those_that_lack_a_part(self, media_type: str) -> None:
        """Wherever two bytes are 0, and with them perhaps the place of what follows."""
        body, refusals = written(pa.table(SMALL), media_type), set()
        for place in range(len(body) - 1):
            try:
                read_arrow(body[:place] + b"\0\0" + body[place + 2 :], media_type, Limits(100, 10_000))
            except (MalformedError, ProblemError) as error:
                refusals.add(type(error))
        assert MalformedError in refusals

    @pytest.mark.parametrize("media_type", [STREAM, FILE])
    async def test_of_text_that_is_not_utf_8(self, client: httpx.AsyncClient, media_type: str) -> None:
        body = written(pa.table(SMALL | {"group": ["abcabc", "b", "c"]}), media_type).replace(
            b"abcabc", b"abc\xff\xff\xff"
        )
        assert await refused(client, body, media_type) == (400, "invalid_table", [("", NOT_IT)])

    @pytest.mark.parametrize("codec", ["lz4", "zstd"])
    @pytest.mark.parametrize("media_type", [STREAM, FILE])
    async def test_of_compressed_arrow(self, client: httpx.AsyncClient, media_type: str, codec: str) -> None:
        """Its buffers say for themselves how large they become: of dictionaries, too."""
        detail = "is compressed: send it without, or as Parquet"
        for group in (["a", "b", "c"], pa.array(["a", "b", "c"]).dictionary_encode()):
            body = written(pa.table(SMALL | {"group": group}), media_type, compression=codec)
            assert await refused(client, body, media_type) == (400, "invalid_table", [("", detail)])

    @pytest.mark.parametrize("media_type", ARROW)
    async def test_of_names(self, client: httpx.AsyncClient, media_type: str) -> None:
        twice = pa.Table.from_arrays([pa.array([1])] * 3, ["time", "event", "time"])
        assert (await refused(client, written(twice, media_type), media_type))[2] == [
            ("", "has two columns of one name")
        ]
        both = pa.table({"time": [1], "AVAL": [1]})
        expected = [("", "has two columns that mean the same field")]
        assert (await refused(client, written(both, media_type), media_type))[2] == expected
        wide = pa.table({str(place): [1] for place in range(1001)})
        assert (await refused(client, written(wide, media_type), media_type))[2] == [("", "has more than 1000 columns")]

    @pytest.mark.parametrize("media_type", ARROW)
    async def test_of_many_rows_in_few_bytes(self, media_type: str, anyio_backend: str) -> None:
        table = pa.table({"time": pa.nulls(100_000), "event": pa.nulls(100_000)})
        body = written(table, PARQUET) if media_type == PARQUET else chunked(table, media_type)
        assert len(body) < 5_000
        async with served(create_app(Settings(max_subjects=99_999))) as client:
            assert (await refused(client, body, media_type))[:2] == (413, "too_many_subjects")
        async with served(create_app(Settings(max_body_bytes=399_999))) as client:
            assert (await refused(client, body, media_type))[:2] == (413, "body_too_large")

    async def test_of_what_becomes_large(self, anyio_backend: str) -> None:
        """By what Parquet says of its size without compression."""
        texts = [f"{'x' * 190}{place}" for place in range(1000)]
        table = pa.table({"time": [1] * 1000, "event": [1] * 1000, "group": texts})
        body = written(table, PARQUET, compression="zstd", use_dictionary=False)
        async with served(create_app(Settings(max_body_bytes=100_000))) as client:
            assert len(body) < 50_000
            response = await post(client, body, PARQUET)
        assert (response.status_code, response.json()["code"]) == (413, "body_too_large")
        assert response.json()["detail"] == "Decompressed, a body may have at most 100000 bytes."

    @pytest.mark.parametrize("media_type", ARROW)
    async def test_without_the_extra(
        self, client: httpx.AsyncClient, media_type: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tables, "is_installed", lambda: False)
        response = await post(client, written(pa.table(SMALL), media_type), media_type)
        assert (response.status_code, response.json()["code"]) == (415, "unsupported_media_type")
        assert response.json()["detail"].startswith("The extra [arrow] is not installed here")
        assert response.headers["accept"] == "application/json, text/csv"


def chunked(table: pa.Table, media_type: str) -> bytes:
    file = io.BytesIO()
    with (pa.ipc.new_stream if media_type == STREAM else pa.ipc.new_file)(file, table.schema) as writer:
        writer.write_table(table, max_chunksize=50_000)
    return file.getvalue()
