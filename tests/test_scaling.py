"""What docs/scaling.md shows is run, on a small cohort in files: the table of counts has the answer of the rows."""

import json
import random
import re
import runpy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest

from tests.requests import Json

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "scaling.md").read_text("utf-8")
DUCKDB, DASK = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
STATEMENTS = re.findall(r"to `POST (\S+)`,\s+with\s+`(\{.*?\})`:\n\n```sql\n(.*?)```", PAGE, re.DOTALL)
PATIENTS, FILES = 600, 3

pytestmark = pytest.mark.anyio


def _patient(draw: random.Random) -> Json:
    cause = draw.choice([None, "disease", "disease", "other"])
    return {
        "time": draw.randint(1, 60),
        "event": cause is not None,
        "cause": cause,
        "group": draw.choice(["resection", "ablation"]),
        "centre": draw.choice(["north", "south", "west"]),
        "age": draw.randint(50, 79),
        "sex": draw.choice("fm"),
    }


@pytest.fixture
def patients(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Json]:
    """Write a cohort to Parquet files in the working directory, and return its rows."""
    draw = random.Random(8)  # noqa: S311 - any sample will do
    rows = [_patient(draw) for _ in range(PATIENTS)]
    monkeypatch.chdir(tmp_path)
    Path("cohort").mkdir()
    for part in range(FILES):
        Path("part.json").write_text(json.dumps(rows[part::FILES]), "utf-8")
        duckdb.read_json("part.json").write_parquet(f"cohort/{part}.parquet")
    Path("part.json").unlink()
    return rows


def defined_by(code: str) -> dict[str, Any]:
    """Return the names that a block of the page defines."""
    Path("block.py").write_text(code, "utf-8")
    return runpy.run_path("block.py")


async def answered(client: httpx.AsyncClient, path: str, body: Json) -> str:
    """Return the bytes of an answer but for the digest of the request."""
    response = await client.post(path, json=body)
    assert response.status_code == 200, response.text
    digest = response.json()["meta"]["input_sha256"]
    assert response.text.count(digest) == 1
    return response.text.replace(digest, "")


def picked(*names: str, **renamed: str) -> Callable[[Json], Json]:
    """Return what takes these fields of a patient, some under another name."""
    return lambda patient: (
        {name: patient[name] for name in names} | {name: patient[source] for name, source in renamed.items()}
    )


def in_decades(patient: Json) -> Json:
    """Return a patient's row of the Cox model."""
    covariates = {"decade": patient["age"] // 10, "sex": patient["sex"]}
    return picked("time", "event")(patient) | {"covariates": covariates}


AS_ROWS: tuple[Callable[[Json], Json], ...] = (
    picked("time", "event", "group"),
    picked("time", "event", "group", stratum="centre"),
    picked("time", "cause", "group"),
    in_decades,
)


@pytest.mark.parametrize(("statement", "as_row"), list(zip(STATEMENTS, AS_ROWS, strict=True)))
async def test_counts_by_sql_have_the_answer_of_the_rows(
    statement: tuple[str, str, str], as_row: Callable[[Json], Json], client: httpx.AsyncClient, patients: list[Json]
) -> None:
    path, options, query = statement
    table = defined_by(DUCKDB)["body"](query, **json.loads(options))
    assert len(table["subjects"]) < PATIENTS
    assert sum(row["weight"] for row in table["subjects"]) == PATIENTS
    rows = table | {"subjects": [as_row(patient) for patient in patients]}
    assert await answered(client, path, table) == await answered(client, path, rows)


async def test_counts_by_dask_have_the_answer_of_the_rows(client: httpx.AsyncClient, patients: list[Json]) -> None:
    options = {"group_order": ["ablation", "resection"], "causes": ["disease", "other"]}
    table = options | {"subjects": defined_by(DASK)["subjects"]}
    assert sum(table["subjects"]["weight"]) == PATIENTS
    assert None in table["subjects"]["cause"]
    rows = options | {"subjects": [picked("time", "cause", "group")(patient) for patient in patients]}
    path = "/v1/competing-risks"
    assert await answered(client, path, table) == await answered(client, path, rows)


async def test_every_block_of_the_page_is_run() -> None:
    assert PAGE.count("```sql") == len(STATEMENTS) == 4
    assert PAGE.count("```") == 2 * (len(STATEMENTS) + 2)


def _rows_by_endpoint(answer: Json) -> Iterator[tuple[str, Json]]:
    for endpoint in answer["endpoints"]:
        yield endpoint["endpoint"], endpoint["rows"]


async def test_the_end_points_of_pieces_are_those_of_the_cohort(client: httpx.AsyncClient) -> None:
    """A piece has whole patients."""
    cohort = json.loads((ROOT / "examples" / "bale2018.json").read_text("utf-8"))["cohort"]

    async def rows(patients: list[Json]) -> dict[str, Json]:
        answer = await client.post("/v1/endpoints", json={"cohort": cohort | {"patients": patients}})
        assert answer.status_code == 200, answer.text
        return dict(_rows_by_endpoint(answer.json()))

    first, second, whole = [await rows(cohort["patients"][part]) for part in (slice(20), slice(20, None), slice(None))]
    for endpoint, columns in whole.items():
        assert columns == {name: first[endpoint][name] + second[endpoint][name] for name in columns}
