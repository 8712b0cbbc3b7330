"""`POST /v1/success-rates` over HTTP: figures of R, two forms and counts, clusters, warnings and methods."""

import asyncio
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.api.examples import example
from app.main import create_app
from app.settings import Settings
from tests.conftest import served
from tests.references import assert_equal_to_r, blocks
from tests.requests import as_columns, as_rows, posting

EXAMPLE = example("success_rates_request")
COLUMNS = EXAMPLE["subjects"]
PROPORTION = ["count", "total", "proportion", "lower", "upper", "interval", "cluster_adjusted"]

pytestmark = pytest.mark.anyio

post = posting("/v1/success-rates")


def counts(*groups: tuple[int, int]) -> list[dict[str, Any]]:
    return [{"label": chr(97 + place), "successes": x, "total": n} for place, (x, n) in enumerate(groups)]


def codes(answer: dict[str, Any]) -> list[str]:
    return [warning["code"] for warning in answer["meta"]["warnings"]]


# The figures


@pytest.mark.parametrize("table", blocks("proportions", "tables"), ids=lambda table: table["id"])
async def test_figures_are_those_of_r(client: httpx.AsyncClient, table: dict[str, Any]) -> None:
    body = {"groups": counts(*zip(table["x"], table["n"], strict=True)), "tests": ["fisher", "chi-squared"]}
    scores = table.get("cochran_armitage", {}).get("scores")
    if scores is not None:
        body |= {"tests": ["fisher", "chi-squared", "trend"], "scores": scores}
    answer = await post(client, **body)
    for rate, expected in zip(
        [answer["overall"], *answer["groups"]], [table["overall"], *table["by_group"]], strict=True
    ):
        figures = [rate["proportion"], rate["lower"], rate["upper"]]
        assert_equal_to_r(figures, [expected["estimate"], expected["wilson"]["lower"], expected["wilson"]["upper"]])
    expected_tests = [table["fisher"], table["chisq"], *([table["cochran_armitage"]] if scores else [])]
    for test, expected in zip(answer["tests"], expected_tests, strict=True):
        assert_equal_to_r([test["p_value"], test["statistic"]], [expected["p_value"], expected.get("statistic")])


@pytest.mark.parametrize("table", [table for table in blocks("proportions", "tables") if len(table["x"]) == 2])
async def test_the_difference_is_that_of_r(client: httpx.AsyncClient, table: dict[str, Any]) -> None:
    groups = counts(*zip(table["x"], table["n"], strict=True))
    (found,) = (await post(client, groups=groups, interval="wald"))["differences"]
    expected = table["difference"]["wald"]
    assert_equal_to_r(
        [found["difference"], found["lower"], found["upper"]],
        [expected["difference"], expected["lower"], expected["upper"]],
    )


async def test_groups_are_compared_with_the_first(client: httpx.AsyncClient) -> None:
    answer = await post(client, groups=counts((56, 70), (48, 80), (0, 12)))
    assert [(one["first"], one["second"]) for one in answer["differences"]] == [("a", "b"), ("a", "c")]
    one, other = answer["differences"]
    assert [round(one[name], 4) for name in ("difference", "lower", "upper")] == [0.2, 0.0524, 0.3339]
    assert one["interval"] == "newcombe"
    assert one["reason"] is None
    assert one["relative_risk_lower"] < one["relative_risk"] < one["relative_risk_upper"]
    assert one["odds_ratio_lower"] < one["odds_ratio"] < one["odds_ratio_upper"]
    assert (other["odds_ratio"], other["odds_ratio_upper"], other["relative_risk"]) == (None, None, None)
    assert other["odds_ratio_lower"] > 1
    assert other["reason"].startswith("the odds ratio is infinite")


# Forms of the request


async def test_the_shape_of_the_answer(client: httpx.AsyncClient) -> None:
    answer = await post(client, **EXAMPLE)
    assert list(answer) == ["meta", "overall", "groups", "tests", "differences"]
    assert list(answer["overall"]) == PROPORTION
    assert [list(group) for group in answer["groups"]] == [[*PROPORTION, "label"]] * 2
    meta = answer["meta"]
    assert (meta["convention"], meta["confidence_level"], meta["time_unit"], meta["confidence_type"]) == (
        "r",
        0.95,
        None,
        None,
    )
    assert (meta["subjects_in"], meta["subjects_used"], meta["excluded"]) == (25, 25, [])


async def test_rows_and_columns_give_the_same_answer(client: httpx.AsyncClient) -> None:
    assert await post(client, **EXAMPLE | {"subjects": as_rows(COLUMNS)}) == await post(client, **EXAMPLE)


async def test_the_order_of_rows_and_the_names_of_clusters_change_no_bit(client: httpx.AsyncClient) -> None:
    rows = sorted(
        as_rows(COLUMNS), key=lambda row: (row["group"] != "up to 30 mm", row["success"], row["cluster"][::-1])
    )
    names = {name: place for place, name in enumerate(sorted(set(COLUMNS["cluster"])))}
    other = as_columns(rows) | {"cluster": [names[row["cluster"]] for row in rows]}
    assert await post(client, **EXAMPLE | {"subjects": other}) == await post(client, **EXAMPLE)


async def test_counts_give_the_answer_of_their_rows(client: httpx.AsyncClient) -> None:
    rows = [(place < x, label) for label, x, n in (("a", 3, 9), ("b", 6, 7), ("c", 2, 2)) for place in range(n)]
    success, group = map(list, zip(*rows, strict=True))
    options = {"tests": ["fisher", "chi-squared", "trend"], "interval": "jeffreys", "confidence_level": 0.9}
    by_row = await post(client, subjects={"success": success, "group": group}, **options)
    assert await post(client, groups=counts((3, 9), (6, 7), (2, 2)), **options) == by_row


async def test_groups_come_in_the_order_asked_for(client: httpx.AsyncClient) -> None:
    answer = await post(client, **EXAMPLE | {"group_order": ["over 30 mm", "other", "up to 30 mm"]})
    assert [group["label"] for group in answer["groups"]] == ["over 30 mm", "up to 30 mm"]
    assert answer["differences"][0]["difference"] < 0
    assert [group["label"] for group in (await post(client, **EXAMPLE))["groups"]] == ["up to 30 mm", "over 30 mm"]


async def test_labels_are_words(client: httpx.AsyncClient) -> None:
    answer = await post(client, subjects={"success": [1, 0, 1], "group": [True, False, True]})
    assert [group["label"] for group in answer["groups"]] == ["true", "false"]


@pytest.mark.parametrize("cluster", [{}, {"cluster": [1, 1, 2]}])
async def test_without_groups_there_is_nothing_to_compare(client: httpx.AsyncClient, cluster: dict[str, Any]) -> None:
    answer = await post(client, subjects={"success": [1, 0, 1], **cluster}, tests=["fisher"])
    assert (answer["groups"], answer["tests"], answer["differences"]) == ([], [], [])
    assert (answer["overall"]["count"], answer["overall"]["total"]) == (2, 3)
    one = await post(client, subjects={"success": [1, 0, 1], "group": [1, 1, 1], **cluster})
    assert [group["label"] for group in one["groups"]] == ["1"]
    assert (one["tests"], one["differences"]) == ([], [])
    assert not any("compared" in sentence for sentence in one["meta"]["methods"])


async def test_more_rows_than_the_limit_are_refused() -> None:
    async with served(create_app(Settings(max_subjects=24))) as client:
        response = await client.post("/v1/success-rates", json=EXAMPLE)
        assert (response.status_code, response.json()["code"]) == (413, "too_many_subjects")
        assert (await client.post("/v1/success-rates", json={"groups": counts((30, 60))})).status_code == 200


# Clusters, warnings and methods


async def test_clusters_bring_adjusted_figures_beside_the_others(client: httpx.AsyncClient) -> None:
    clustered = await post(client, **EXAMPLE)
    plain = await post(client, **EXAMPLE | {"subjects": {name: COLUMNS[name] for name in ("success", "group")}})
    assert [test["name"] for test in clustered["tests"]] == ["fisher", "chi-squared", "robust-score"]
    assert clustered["tests"][:-1] == plain["tests"]
    for one, other in zip(
        [clustered["overall"], *clustered["groups"], *clustered["differences"]],
        [plain["overall"], *plain["groups"], *plain["differences"]],
        strict=True,
    ):
        assert other["cluster_adjusted"] is None
        assert one["cluster_adjusted"]["lower"] < one["lower"]
        assert one | {"cluster_adjusted": None} == other
    assert clustered["overall"]["cluster_adjusted"]["clusters"] == 14


async def test_a_clustered_error_that_does_not_exist_has_a_reason(client: httpx.AsyncClient) -> None:
    subjects = {"success": [1, 1, 1, 0], "group": [1, 1, 2, 2], "cluster": [1, 2, 3, 4]}
    (difference,) = (await post(client, subjects=subjects))["differences"]
    assert difference["cluster_adjusted"]["standard_error"] is None
    assert difference["cluster_adjusted"]["lower"] is not None
    assert "no clustered standard error" in difference["reason"]


async def test_warnings(client: httpx.AsyncClient) -> None:
    clustered = await post(client, **EXAMPLE)
    assert codes(clustered) == ["small_expected_counts", "few_clusters", "rows_as_independent"]
    assert "overall; up to 30 mm; over 30 mm" in clustered["meta"]["warnings"][1]["detail"]
    assert codes(await post(client, **EXAMPLE | {"tests": []})) == ["few_clusters"]


async def test_a_test_that_takes_too_long_has_a_reason(client: httpx.AsyncClient) -> None:
    answer = await post(client, groups=counts((2**51, 2**52), (2**51 - 9, 2**52 - 1)))
    assert answer["tests"][0]["p_value"] is None
    assert "too many tables" in answer["tests"][0]["reason"]
    assert answer["differences"][0]["odds_ratio"] is None
    assert "too large" in answer["differences"][0]["reason"]
    assert answer["differences"][0]["relative_risk"] == pytest.approx(1)


UNITS = st.lists(st.tuples(st.booleans(), st.integers(0, 3), st.integers(0, 5)), min_size=1, max_size=15)


@given(UNITS, st.sampled_from(["wilson", "clopper-pearson", "jeffreys", "agresti-coull", "wald"]))
@settings(deadline=None, max_examples=60)
def test_whatever_the_rows_the_answer_is_sound(units: list[tuple[bool, int, int]], interval: str) -> None:
    """Counts add up, limits hold their estimates, and what does not exist is null with a reason."""
    success, group, cluster = zip(*units, strict=True)

    async def ask() -> dict[str, Any]:
        async with served(create_app()) as client:
            subjects = {"success": success, "group": group, "cluster": cluster}
            return await post(client, subjects=subjects, interval=interval, tests=["trend", "fisher", "chi-squared"])

    answer = asyncio.run(ask())
    for name in ("count", "total"):
        assert answer["overall"][name] == sum(one[name] for one in answer["groups"])
    for one in (answer["overall"], *answer["groups"]):
        assert one["lower"] - 1e-12 <= one["proportion"] <= one["upper"] + 1e-12
    for one in answer["differences"]:
        for limits in (one, one["cluster_adjusted"]):
            assert limits["lower"] is None or limits["lower"] - 1e-12 <= one["difference"] <= limits["upper"] + 1e-12
        ratios = [one[name + end] for name in ("odds_ratio", "relative_risk") for end in ("", "_lower", "_upper")]
        assert (one["reason"] is None) == (None not in (*ratios, one["cluster_adjusted"]["standard_error"]))
    for test in answer["tests"]:
        assert (test["p_value"] is None) == (test["reason"] is not None)
