"""Tables of subjects as bodies, and what they mean."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.api.table_docs import as_csv
from app.main import create_app
from examples.regenerate import path_of
from tests.api.tables import COX, CSV, FLAG, SMALL, faults, post, subjects_are

EXAMPLES = Path(__file__).parents[2] / "examples"
COHORTS = {"endpoints_request.json", "outcomes_request.json"}
FLAT = sorted({path.name for path in EXAMPLES.glob("*_request.json")} - COHORTS)
PARAMCD = "query parameter paramcd"
UNIT = "must be days, weeks, months or years, the same in all rows"
NO_CAUSE = "does not say by which cause a follow-up ended; send the column cause"

pytestmark = pytest.mark.anyio


class TestMeaning:
    """A table with its options gives the bytes that the JSON gives, `input_sha256` included."""

    @pytest.mark.parametrize("name", FLAT)
    async def test_the_examples(self, client: httpx.AsyncClient, name: str) -> None:
        request = json.loads((EXAMPLES / name).read_text("utf-8"))
        subjects = request.pop("subjects")
        answer = await post(client, as_csv(subjects), path_of(name), options=request)
        assert answer.status_code == 200, answer.text
        assert answer.content == (await client.post(path_of(name), json=request | {"subjects": subjects})).content

    @pytest.mark.parametrize(
        "table",
        [
            SMALL.encode("utf-8-sig"),
            SMALL.replace("\n", "\r\n"),
            SMALL.replace("\n", "\r"),
            SMALL.strip() + "\n\n \n".replace(" ", ""),
            SMALL.replace(",", ";"),
            SMALL.replace(",", ";").replace(".", ","),
            SMALL.replace(",", "\t"),
            SMALL.replace(",", " , "),
            SMALL.replace("8.5", '"8.5"').replace("event", '"event"'),
            SMALL.replace("8.5", "+8.50").replace("12", "1.2e1"),
        ],
    )
    async def test_ways_to_write_it(self, client: httpx.AsyncClient, table: str | bytes) -> None:
        await subjects_are(client, table, {"time": [5, 8.5, 12], "event": [1, 0, 1]})

    @pytest.mark.parametrize(
        ("cells", "values"),
        [
            (["1", "2", "3"], [1, 2, 3]),
            (["01", "2", "3"], ["01", "2", "3"]),
            (["1.5", "2", "3"], ["1.5", "2", "3"]),
            (["TRUE", "false", "True"], [True, False, True]),
            (["true", "1", "no"], ["true", "1", "no"]),
            (["a b", '"x, ""y"""', '"1\n2"'], ["a b", 'x, "y"', "1\n2"]),
            (["1234567890123456", "1", "2"], ["1234567890123456", "1", "2"]),
            (["\u4e2d", "\u00e9", "=1+1"], ["\u4e2d", "\u00e9", "=1+1"]),
        ],
    )
    async def test_labels(self, client: httpx.AsyncClient, cells: list[str], values: list[Any]) -> None:
        """Of a column all are integers, all booleans or all text."""
        lines = SMALL.splitlines()
        table = "\n".join(",".join(pair) for pair in zip(lines, ["group", *cells], strict=True))
        await subjects_are(client, table, {"time": [5, 8.5, 12], "event": [1, 0, 1], "group": values})

    async def test_causes(self, client: httpx.AsyncClient) -> None:
        """An empty cell is a censoring."""
        subjects = {"time": [5, 8, 9], "cause": ["relapse", None, "death"]}
        await subjects_are(client, "cause,time\nrelapse,5\n,8\ndeath,9\n", subjects, path="/v1/competing-risks")

    async def test_covariates(self, client: httpx.AsyncClient) -> None:
        """What is no field of `subjects` is a covariate, `group` included, in the order of the header."""
        table = COX.replace("sex", "group").replace("66", "")
        covariates = {"age": [71, 64, 58, None, 60], "group": ["m", "f", "m", "f", "m"]}
        subjects = {"time": [5, 8, 12, 13, 20], "event": [1, 0, 1, 1, 0], "covariates": covariates}
        options = {"missing": "drop", "penalizer": 0.1}
        await subjects_are(client, table, subjects, path="/v1/regression/cox", options=options)
        distributions = {"distributions": ["exponential"]}
        bare = {"time": [5, 8.5, 12], "event": [1, 0, 1]}
        await subjects_are(client, SMALL, bare, path="/v1/regression/parametric", options=distributions)

    async def test_a_figure(self, client: httpx.AsyncClient) -> None:
        figure = await client.post("/v1/survival", content=SMALL, headers=CSV | {"Accept": "image/svg+xml"})
        assert figure.headers["content-type"] == "image/svg+xml"

    async def test_the_examples_of_the_contract(self, client: httpx.AsyncClient) -> None:
        """Each with its options is answered as the JSON that is shown first."""
        paths = create_app().openapi()["paths"]
        posts = {path: methods["post"] for path, methods in paths.items() if "post" in methods}
        tables = {path: one for path, one in posts.items() if "text/csv" in one["requestBody"]["content"]}
        assert len(tables) == 7
        for path, operation in tables.items():
            content = operation["requestBody"]["content"]
            options = {one["name"]: one for one in operation["parameters"]}["options"]["content"]["application/json"]
            first = next(iter(content["application/json"]["examples"].values()))["value"]
            table = content["text/csv"]["examples"]["columns"]["value"]
            answer = await post(client, table, path, options=options["example"])
            assert answer.content == (await client.post(path, json=first)).content


ADTTE = (
    "STUDYID,USUBJID,TRTP,PARAMCD,PARAM,AVAL,AVALU,CNSR,EVNTDESC,CNSDTDSC\n"
    "X,01,A,OS,Overall survival,5,DAYS,0,death,\n"
    "X,02,A,OS,Overall survival,9,DAYS,1,,last follow-up\n"
    "X,03,B,OS,Overall survival,7,DAYS,0,death,\n"
    "X,01,A,PFS,Progression-free survival,4,DAYS,0,death,\n"
)
OS = {"time": [5, 9, 7], "event": [True, False, True], "group": ["A", "A", "B"]}


class TestADTTE:
    """CDISC's data set for times to events."""

    async def test_of_one_parameter(self, client: httpx.AsyncClient) -> None:
        """AVALU is the time unit."""
        answer = await post(client, ADTTE, paramcd="OS")
        assert answer.content == (await client.post("/v1/survival", json={"subjects": OS, "time_unit": "days"})).content
        only = "".join(ADTTE.splitlines(keepends=True)[:-1])
        assert (await post(client, only)).content == answer.content

    async def test_options_say_more_than_avalu(self, client: httpx.AsyncClient) -> None:
        options = {"time_unit": "weeks", "landmarks": [6]}
        answer = await post(client, ADTTE, paramcd="OS", options=options)
        assert answer.content == (await client.post("/v1/survival", json={"subjects": OS} | options)).content

    async def test_names_beside_ours(self, client: httpx.AsyncClient) -> None:
        await subjects_are(client, "time,CNSR\n5,0\n8,2\n9,1\n", {"time": [5, 8, 9], "event": [True, False, False]})

    async def test_in_a_regression(self, client: httpx.AsyncClient) -> None:
        """USUBJID is the id; other variables are covariates, but those that all such tables have."""
        table = "USUBJID,SITEID,TRTP,AGE,AVAL,CNSR\n" + "\n".join(
            f"{place},1,{'AB'[place % 2]},{50 + place * 7 % 11},{place},{place % 3 // 2}" for place in range(1, 21)
        )
        places = range(1, 21)
        subjects = {
            "id": [*places],
            "time": [*places],
            "event": [place % 3 != 2 for place in places],
            "covariates": {
                "TRTP": ["AB"[place % 2] for place in places],
                "AGE": [50 + place * 7 % 11 for place in places],
            },
        }
        await subjects_are(client, table, subjects, path="/v1/regression/cox")

    @pytest.mark.parametrize(
        "case",
        [
            (ADTTE, "survival", {}, "PARAMCD", f"has several values: choose one by the {PARAMCD}"),
            (ADTTE, "survival", {"paramcd": "TTP"}, "PARAMCD", f"has no row with the value of the {PARAMCD}"),
            (SMALL, "survival", {"paramcd": "OS"}, "PARAMCD", f"has no row with the value of the {PARAMCD}"),
            ("AVAL,CNSR,AVALU\n1,0,DAYS\n2,1,WEEKS", "survival", {}, "AVALU", UNIT),
            ("AVAL,CNSR,AVALU\n1,0,H", "survival", {}, "AVALU", UNIT),
            ("AVAL,CNSR\n1,0", "competing-risks", {}, "CNSR", NO_CAUSE),
            ("AVAL,CNSR\n1,0\n1,x", "survival", {}, "event/1", FLAG),
            ("AVAL,CNSR\n1,0\n1,-1", "survival", {}, "event/1", FLAG),
            ("AVAL,CNSR,event\n1,0,1", "survival", {}, "CNSR", "cannot stand beside the column event"),
            ("AVAL,CNSR,AGE\n1,0,5", "survival", {}, "AGE", "is not a known field"),
        ],
    )
    async def test_what_leaves_something_open(
        self, client: httpx.AsyncClient, case: tuple[str, str, dict[str, str], str, str]
    ) -> None:
        table, path, query, pointer, detail = case
        found = await faults(client, table, f"/v1/{path}", **query)
        assert found == (422, "invalid_body", [(f"/subjects/{pointer}", detail)])

    async def test_empty_units_say_nothing(self, client: httpx.AsyncClient) -> None:
        await subjects_are(client, "AVAL,CNSR,AVALU\n1,0,\n", {"time": [1], "event": [True]})
