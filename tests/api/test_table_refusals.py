"""How tables of subjects are refused: by pointers into the request that they stand for, and nothing of them is told."""

import httpx
import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from app.main import create_app
from app.settings import Settings
from tests.api.tables import COX, CSV, FLAG, SMALL, faults, post
from tests.conftest import served

NUMBER = "must be a number"
LABEL = "must be a string of 1 to 200 characters, an integer between -2**53 and 2**53, true or false"

pytestmark = pytest.mark.anyio


class TestRefusal:
    @pytest.mark.parametrize(
        ("table", "detail"),
        [
            ("", "has no header"),
            ("\ufeff\n\n", "has no header"),
            ("time,event\n1,1\n2\n", "has more or fewer cells than the header in row 2 below it"),
            ("time,event\n1,1,1\n", "has more or fewer cells than the header in row 1 below it"),
            ("time,event,time\n1,1,1\n", "has two columns of one name"),
            ("time,event,\n1,1,1\n", "has a column without a name"),
            ("time,AVAL,event\n1,1,1\n", "has two columns that mean the same field"),
            ('time,event\n1,"1\n2,0\n', "is not CSV at line 3"),
            ('time,event\n"1"1,1\n', "is not CSV at line 2"),
            ("time,event\n1,\0\n", "has the character NUL"),
            (SMALL.encode("utf-16"), "is not UTF-8"),
            (b"time,event\n1,\xff\n", "is not UTF-8"),
            ("1" * 10_000_000, "is not CSV at line 1"),
            ("," * 10_000_000, "has more than 1000 columns"),
            ("time,event\n" + "," * 10_000_000, "has more or fewer cells than the header in row 1 below it"),
            ('"' + "\n" * 10_000_000, "is not CSV at line 131073"),
        ],
    )
    async def test_of_what_is_no_table(self, client: httpx.AsyncClient, table: str | bytes, detail: str) -> None:
        assert await faults(client, table) == (400, "invalid_table", [("", detail)])

    @pytest.mark.parametrize(
        ("table", "expected"),
        [
            ("time,event\n", {"time": "must have 1 or more items"}),
            ("event\n1\n", {"time": "is required"}),
            ("time,event,age\n1,1,61\n", {"age": "is not a known field"}),
            ("time,event,covariates\n1,1,61\n", {"covariates": "is not a known field"}),
            ("time,event\n1,1\n,0\n", {"time/1": NUMBER}),
            ("time,event\n1,2\n007,0\n", {"time/1": NUMBER, "event/0": FLAG}),
            (
                "time,event\nNaN,1\n1e999,yes\n1,\n",
                {"time/0": NUMBER, "time/1": NUMBER, "event/1": FLAG, "event/2": FLAG},
            ),
            ("time,event\n-1,1\n", {"time/0": "must be at least 0.0"}),
            ("time;event\n1,5;1\n1.5;1\n", {"time/0": NUMBER}),
            ("time;event\n1.000,5;1\n", {"time/0": NUMBER}),
            ('time,event\n"1,5",1\n', {"time/0": NUMBER}),
            ("time,event,group\n1,1,a\n2,1,\n", {"group/1": LABEL}),
        ],
    )
    async def test_of_what_cannot_be_analysed(
        self, client: httpx.AsyncClient, table: str, expected: dict[str, str]
    ) -> None:
        """Pointers lead into the columns, which the JSON would have."""
        status, code, found = await faults(client, table)
        assert (status, code) == (422, "invalid_body")
        assert {pointer.removeprefix("/subjects/"): detail for pointer, detail in found} == expected

    async def test_of_missing_numbers_by_other_names(self, client: httpx.AsyncClient) -> None:
        """They would be a level of a factor, and so would all numbers."""
        found = await faults(client, COX.replace("66", "NA"), "/v1/regression/cox")
        assert found == (422, "invalid_body", [("/subjects/covariates/age/3", "must be of the same kind as the first")])

    @pytest.mark.parametrize(
        ("options", "status", "pointer", "detail"),
        [
            ("{", 400, "", "query parameter options is not JSON at line 1, column 2"),
            ("", 400, "", "query parameter options is not JSON at line 1, column 1"),
            ('{"time_unit": "\\ud800"}', 400, "", "query parameter options has a string with half a surrogate pair"),
            ("[]", 422, "", "query parameter options must be an object"),
            ('{"subjects": {}}', 422, "/subjects", "is the body itself, and no option"),
            ('{"landmarks": [-1]}', 422, "/landmarks/0", "must be at least 0.0"),
            ('{"landmark": 1}', 422, "/landmark", "is not a known field"),
        ],
    )
    async def test_of_options(
        self, client: httpx.AsyncClient, options: str, status: int, pointer: str, detail: str
    ) -> None:
        code = "invalid_json" if status == 400 else "invalid_body"
        assert await faults(client, SMALL, options=options) == (status, code, [(pointer, detail)])

    @pytest.mark.parametrize(
        ("query", "headers", "detail"),
        [
            ("options={}&options={}", CSV, "query parameter options is given more than once"),
            ("paramcd=OS&paramcd=OS", CSV, "query parameter paramcd is given more than once"),
            ("options={}", {"Content-Type": "application/json"}, "query parameter options is for tables only"),
        ],
    )
    async def test_of_parameters(
        self, client: httpx.AsyncClient, query: str, headers: dict[str, str], detail: str
    ) -> None:
        response = await client.post(f"/v1/survival?{query}", content=SMALL, headers=headers)
        assert (response.status_code, response.json()["code"]) == (422, "invalid_parameter")
        assert response.json()["errors"] == [{"pointer": "", "detail": detail}]

    @pytest.mark.parametrize(
        ("path", "headers"),
        [
            ("survival", {"Content-Type": "text/csv; charset=iso-8859-1"}),
            ("survival", {"Content-Type": "text/tab-separated-values"}),
            ("survival", {"Content-Type": "text/csv", "Content-Encoding": "br"}),
            ("outcomes", {"Content-Type": "text/csv"}),
        ],
    )
    async def test_of_media_types(self, client: httpx.AsyncClient, path: str, headers: dict[str, str]) -> None:
        response = await client.post(f"/v1/{path}", content=SMALL, headers=headers)
        assert (response.status_code, response.json()["code"]) == (415, "unsupported_media_type")

    async def test_of_too_much(self, anyio_backend: str) -> None:
        async with served(create_app(Settings(max_body_bytes=len(SMALL), max_subjects=2))) as client:
            assert (await faults(client, SMALL))[:2] == (413, "too_many_subjects")
            assert (await faults(client, SMALL + "\n"))[:2] == (413, "body_too_large")

    async def test_of_a_large_table_tells_the_first_fault_of_each_column(self, client: httpx.AsyncClient) -> None:
        found = await faults(client, "time,event\n" + "x,y\n" * 30_000)
        assert [pointer for pointer, _ in found[2]] == ["/subjects/time/0", "/subjects/event/0"]


async def test_any_table_is_answered_or_refused(client: httpx.AsyncClient) -> None:
    """And nothing of it is told."""
    cells = st.sampled_from(["time", "event", "group", "AVAL", "CNSR", "1", "2.5", "-0", "x", '"', '""', "\0", ""])
    lines = st.lists(st.lists(cells, max_size=4).map(",".join), max_size=5)
    tables: list[str] = []

    @given(lines.map("\n".join))
    @profile(max_examples=300, deadline=None, database=None)
    def collect(table: str) -> None:
        tables.append(table)

    collect()
    sound = {"time,event\n" + table for table in tables}
    seen = {(await post(client, table)).status_code for table in {*tables, *sound}}
    assert seen <= {200, 400, 422}
    assert {400, 422} <= seen
