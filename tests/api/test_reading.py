"""The quick way of reading a body is the strict one: of every text both make the same request, digest or refusal."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from app.api import body as reading
from app.api import packing
from app.api.body import MAX_VALUES, conforming, first_faults, validated
from app.api.errors import ProblemError
from app.api.json_text import MAX_DEPTH, MAX_MEMBERS, MalformedError, canonical_sha256, parsed
from app.schemas.competing_risks import CompetingRisksRequest
from app.schemas.cox import CoxRequest
from app.schemas.endpoints import EndpointsRequest
from app.schemas.fine_gray import FineGrayRequest
from app.schemas.outcomes import OutcomesRequest
from app.schemas.parametric import ParametricRequest
from app.schemas.problem import Fault
from app.schemas.recurrences import RecurrencesRequest
from app.schemas.success_rates import SuccessRatesRequest
from app.schemas.survival_request import SurvivalRequest

EXAMPLES = Path(__file__).parents[2] / "examples"
MODELS: dict[str, TypeAdapter[Any]] = {
    "bale2018": TypeAdapter(OutcomesRequest),
    "outcomes_request": TypeAdapter(OutcomesRequest),
    "endpoints_request": TypeAdapter(EndpointsRequest),
    "survival_request": TypeAdapter(SurvivalRequest),
    "competing_risks_request": TypeAdapter(CompetingRisksRequest),
    "recurrences_request": TypeAdapter(RecurrencesRequest),
    "success_rates_request": TypeAdapter(SuccessRatesRequest),
    "regression_cox_request": TypeAdapter(CoxRequest),
    "regression_fine_gray_request": TypeAdapter(FineGrayRequest),
    "regression_parametric_request": TypeAdapter(ParametricRequest),
}
SURVIVAL, RISKS = MODELS["survival_request"], MODELS["competing_risks_request"]


def outcome(read: Any, body: bytes, model: TypeAdapter[Any]) -> Any:
    """Return what comes of a body: the request and its digest, or all that a refusal says."""
    try:
        return read(body, model)
    except ProblemError as error:
        return error.code, error.detail, list(error.faults), error.faults_total


def strictly(body: bytes, model: TypeAdapter[Any]) -> tuple[Any, str]:
    """Read a body step by step: the standard library's parser with hooks, then pydantic's own JSON."""
    try:
        value = parsed(body)
        digest = canonical_sha256(value)
    except MalformedError as error:
        faults = [Fault(pointer="", detail=str(error))]
        raise ProblemError("invalid_json", "The body cannot be read as JSON.", faults=faults) from None
    values = sum(map(body.count, b",[{"))
    return conforming(
        lambda: value, model, values, lambda validator: validator.validate_json(body, strict=True)
    ), digest


def assert_same(body: bytes, model: TypeAdapter[Any]) -> None:
    assert outcome(validated, body, model) == outcome(strictly, body, model)


@pytest.mark.parametrize("name", MODELS)
def test_of_the_examples(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """And they are read quickly."""
    body = (EXAMPLES / f"{name}.json").read_bytes()
    expected = strictly(body, MODELS[name])
    monkeypatch.delattr(reading, "parsed")
    assert validated(body, MODELS[name]) == expected


NUMBERS = ["0", "1", "2", "-0", "-0.0", "1.0", "2.50", "0.1", "5e0", "1E-6", "3e-7", "1e15", "9e15", "1e16", "1e999"]
NUMBERS += [
    "9007199254740991",
    "9007199254740993",
    "1" + "0" * 30,
    "1" + "0" * 400,
    "-1",
    "01",
    "1.",
    "NaN",
    "-Infinity",
]
WORDS = ['"A"', '"B"', '""', '"1.0,"', '"\\u003a"', '"a:b"', '"\\n"', '"\u00e9"', '"\U0001f600"', '"\\ud83d"', '"[{"']
OTHERS = ["true", "false", "null", "[]", "{}", "tru", '{"a":1,"a":1}', "\ufeff"]
ITEMS = st.sampled_from(NUMBERS + WORDS + OTHERS)
USUAL = {
    "time": st.sampled_from(["1", "2.5", "3.0", "4", "0.000001"]),
    "event": st.sampled_from(["0", "1"]) | st.sampled_from(["true", "false"]),
    "cause": st.sampled_from(["null", '"A"', '"B"']),
    "group": st.sampled_from(['"A"', '"B"']) | st.sampled_from(["1", "2"]),
    "entry": st.sampled_from(["0", "0.5"]),
    "weight": st.sampled_from(["1", "2", "3.0", "1.5"]),
}


@st.composite
def survival_texts(draw: st.DrawFn) -> str:
    """Draw requests whose columns are as they should be, but for some items and members."""
    rows = draw(st.integers(1, 6))
    names = draw(st.lists(st.sampled_from(["time", "event", "cause", "group", "entry", "weight", "age"]), max_size=5))
    members = []
    for name in ["time", *names]:
        usual = draw(st.sampled_from([st.sampled_from([item]) for item in OTHERS] + 9 * [USUAL.get(name, ITEMS)]))
        column = draw(st.lists(usual, min_size=rows, max_size=rows))
        if draw(st.integers(0, 3)) == 0:
            column[draw(st.integers(0, rows - 1))] = draw(ITEMS)
        members.append(f'"{name}": [{", ".join(column)}]')
    options = draw(
        st.lists(st.sampled_from(['"landmarks": [1, 2.0]', '"time_unit": "days"', '"convention": "r"']), max_size=3)
    )
    return "{" + ", ".join([f'"subjects": {{{", ".join(members)}}}', *options]) + "}"


TOKENS = ["[", "]", "{", "}", ",", ":", '"subjects":', '"time":', '"event":', '"a"', " ", "\n", "\x00", "\\", '"']


@pytest.mark.parametrize("model", [SURVIVAL, RISKS], ids=["survival", "competing risks"])
@pytest.mark.parametrize("rows", [1, 1000], ids=["packed", "as lists"])
class TestOfEveryText:
    @settings(deadline=None, max_examples=250)
    @given(text=survival_texts())
    def test_of_requests(self, text: str, model: TypeAdapter[Any], rows: int) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(packing, "MIN_ROWS", rows)
            assert_same(text.encode(), model)

    @settings(deadline=None, max_examples=150)
    @given(text=st.lists(st.sampled_from(TOKENS) | ITEMS, max_size=14).map("".join))
    def test_of_pieces(self, text: str, model: TypeAdapter[Any], rows: int) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(packing, "MIN_ROWS", rows)
            assert_same(text.encode(), model)
            assert_same(f'{{"subjects": {{"time": [1], "event": [{text}]}}}}'.encode(), model)


@pytest.mark.parametrize(
    "wrong",
    [
        {"time": [1.0] * (MAX_VALUES - 1) + [-1.0]},
        {"time": [1.0] * (MAX_VALUES - 1) + [True]},
        {"event": [1] * (MAX_VALUES - 1) + [2]},
        {"event": [1] * (MAX_VALUES - 1) + [-1]},
        {"event": [True] * (MAX_VALUES - 1) + [1]},
        {"group": ["A"] * (MAX_VALUES - 1) + [1]},
        {"group": ["A"] * (MAX_VALUES - 1) + ["x" * 201]},
        {"group": [f"{place} of many" for place in range(MAX_VALUES)]},
        {"group": [f"{place % 9} {'long ' * 30}" for place in range(MAX_VALUES)]},
        {"weight": [1.0] * (MAX_VALUES - 1) + [1.5]},
        {"entry": [0.0] * (MAX_VALUES - 1) + [5.0]},
        {"stratum": ["a:b", '"\\', "\u00e9\U0001f600"] * (MAX_VALUES // 3) + ["c"] * (MAX_VALUES % 3)},
        {"time": [1e-7, 1e15, 2e-6, 5.0] * (MAX_VALUES // 4)},
        {"time": []},
        {"time": [10**400] * MAX_VALUES},
        {"cause": ["A"] * MAX_VALUES},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_of_long_columns(wrong: dict[str, Any]) -> None:
    """Sound ones, and those with a fault at the end."""
    sound = {"time": [2.5] * MAX_VALUES, "event": [1] * MAX_VALUES}
    assert_same(json.dumps({"subjects": sound | wrong}).encode(), SURVIVAL)


@pytest.mark.parametrize("name", MODELS)
def test_what_a_model_takes_is_bounded(name: str) -> None:
    """The quick way need count no levels and no members: a model that takes more would be found here."""
    schema = MODELS[name].json_schema()
    assert levels(schema, schema["$defs"]) < MAX_DEPTH


def levels(schema: Any, known: dict[str, Any]) -> int:
    """Return how deep a value may be; fail where it may be as deep, or have as many members, as one likes."""
    if isinstance(schema, list):
        return max((levels(one, known) for one in schema), default=0)
    if not isinstance(schema, dict):
        return 0
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return levels(known[name], {key: value for key, value in known.items() if key != name})
    if schema.get("type") == "object":
        extra = schema["additionalProperties"]
        assert extra is False or schema["maxProperties"] <= MAX_MEMBERS
        return 1 + levels([*schema.get("properties", {}).values(), extra], known)
    return (schema.get("type") == "array") + levels([schema.get(key) for key in ("items", "anyOf", "oneOf")], known)


def test_both_validators_of_a_model_take_what_is_packed() -> None:
    packed = packing.packed({"subjects": {"time": [1.5] * 1000, "event": [True] * 1000}})
    assert first_faults(SURVIVAL).validate_python(packed, strict=True) == SURVIVAL.validate_python(packed, strict=True)
