"""Bodies: strict JSON, canonical digests, large ones off the event loop."""

import hashlib
import json
from pathlib import Path
from typing import Any, Self

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field, PrivateAttr, TypeAdapter, ValidationError, model_validator
from pydantic_core import from_json

from app.api.body import MAX_VALUES, MalformedError, canonical_sha256, first_faults, parsed, validated
from app.api.errors import ProblemError
from app.schemas.outcomes import OutcomesRequest
from app.schemas.survival_request import SurvivalRequest
from app.settings import Settings
from tests.api.toy import toy_app
from tests.conftest import served

SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
)
TEXT = st.text(st.sampled_from('ab1.0e-"\\/\n\x00\x7f\u00e9\u20ac\ud7ff\ue000\ufb33\U0001f600'), max_size=8)
VALUES = st.recursive(SCALARS | TEXT, lambda inside: st.lists(inside) | st.dictionaries(TEXT, inside), max_leaves=6)
TOKENS = ["[", "]", "{", "}", ",", ":", '"', '"a"', '"a":', "\\ud83d", "\\ude00", "\\u0000", "\\n", "\x00", "\n", " "]
TOKENS += ["-", "+", "0", "12", ".", ".5", "e", "E+2", "1e308", "1e-400", "NaN", "-Infinity", "true", "null", "\ufeff"]


def digest(canonical: str) -> str:
    return hashlib.sha256(canonical.encode()).hexdigest()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[]", []),
        (
            ' {"a": null, "b": [true, false, "\\u00e9\\ud83d\\ude00"]} ',
            {"a": None, "b": [True, False, "\u00e9\U0001f600"]},
        ),
        ("[0, -0, 1.5, 2.0, 1e2, 5e-324]", [0, 0, 1.5, 2, 100, 5e-324]),
        ("[9007199254740991, 9007199254740993, 1e300]", [2**53 - 1, 2.0**53, 1e300]),
        ("[" * 32 + "]" * 32, json.loads("[" * 32 + "]" * 32)),
        ('{"a": ' * 31 + "[1]" + "}" * 31, json.loads('{"a": ' * 31 + "[1]" + "}" * 31)),
        ('{"a": {"x": 1}, "b": {"x": 2}}', {"a": {"x": 1}, "b": {"x": 2}}),
        (json.dumps(dict.fromkeys(map(str, range(1000)), 0)), dict.fromkeys(map(str, range(1000)), 0)),
    ],
)
def test_json_is_parsed(text: str, value: object) -> None:
    assert parsed(text.encode()) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not JSON at line 1, column 1"),
        ('{"a": 1,\n "b": ?}', "is not JSON at line 2, column 7"),
        ("\ufeff{}", "is not JSON at line 1, column 1"),
        ("[NaN]", "has NaN or Infinity, which are not JSON"),
        ("[-1e309]", "has a number beyond double precision"),
        ('[{"a": 1, "\\u0061": 1}]', "has an object with a duplicate key"),
        (json.dumps([dict.fromkeys(range(1001))]), "has an object with more than 1000 members"),
        ("[" * 33 + "]" * 33, "has more than 32 levels"),
        ('[{"a": ' * 17 + "1" + "}]" * 17, "has more than 32 levels"),
        ("[" * 10_000, "has more than 32 levels"),
    ],
)
def test_what_is_refused_is_named_without_its_content(text: str, message: str) -> None:
    with pytest.raises(MalformedError) as refused:
        parsed(text.encode())
    assert str(refused.value) == message


@settings(deadline=None, max_examples=60)
@given(VALUES)
def test_what_a_client_writes_is_parsed_as_it_was_meant(value: Any) -> None:
    assert parsed(json.dumps(value).encode()) == value


@settings(deadline=None, max_examples=300)
@given(st.lists(st.sampled_from(TOKENS), max_size=12).map("".join))
def test_what_we_take_pydantic_takes_and_the_rest_is_refused(text: str) -> None:
    """No text makes the reading fail in another way, and the model never meets a text that is not JSON to it."""
    try:
        canonical_sha256(parsed(text.encode()))
    except MalformedError:
        return
    from_json(text, allow_inf_nan=False)


def test_canonical_json_is_that_of_the_rfc() -> None:
    """The example of RFC 8785, section 3.2.2, and the sorting of 3.2.3."""
    numbers = [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001]
    body = {
        "numbers": numbers,
        "string": "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/",
        "literals": [None, True, False],
    }
    canonical = '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
    assert canonical_sha256(body) == digest(canonical + '"string":"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}')
    keys = {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\x80": 6, "\u00f6": 7}
    assert canonical_sha256(keys) == digest('{"\\r":2,"1":4,"\x80":6,"\u00f6":7,"\u20ac":1,"\U0001f600":5,"\ufb33":3}')


@settings(deadline=None, max_examples=60)
@given(VALUES)
def test_the_fast_way_to_canonical_json_is_the_reference_one(value: Any) -> None:
    assert canonical_sha256(value) == hashlib.sha256(rfc8785.dumps(value)).hexdigest()


@settings(deadline=None, max_examples=60)
@given(VALUES)
def test_numbers_mean_doubles_however_they_are_written(value: Any) -> None:
    """The digest of a text is that of its value: 2.0, 2e0 and 2 are one number."""
    assert canonical_sha256(parsed(json.dumps(value).encode())) == canonical_sha256(value)


def test_an_integer_beyond_exactness_is_the_double_that_it_means() -> None:
    assert canonical_sha256(parsed(b"[9007199254740993]")) == digest("[9007199254740992]")
    assert canonical_sha256(parsed(b"[1" + b"0" * 21 + b"]")) == digest("[1e+21]")


class Leaf(BaseModel, extra="forbid"):
    size: float
    pair: tuple[int, ...] = ()
    _double: float = PrivateAttr(0.0)

    @model_validator(mode="after")
    def _check(self) -> Self:
        self._double = 2 * self.size
        return self


class Tree(BaseModel, extra="forbid"):
    leaves: list[Leaf] | dict[str, set[int]] = []
    trees: list["Tree"] | None = Field(default=None, max_length=3)
    type: list[float] = []
    default: list[float] = [1.0]


TREE = TypeAdapter[Any](Tree)
OUTCOMES = TypeAdapter[Any](OutcomesRequest)
SURVIVAL = TypeAdapter[Any](SurvivalRequest)
EXAMPLES = Path(__file__).parents[2] / "examples"
SOUND = {"subjects": {"time": [1, 2], "event": [1, 0]}}
LARGE = MAX_VALUES + 1

WRONG: Any = {
    "leaves": [{"size": 1}, {"size": "x", "pair": [0, "x", "x"]}, {"age": 1}],
    "trees": [{"type": ["x", "x"]}, {"trees": [{"leaves": {"a": ["x", "y"], "b": ["x", "y"]}}, 1]}],
    "default": [1, "x", "x"],
}
FIRST = ["/leaves/1/pair/1", "/leaves/1/size", "/trees/0/type/0", "/default/1"]
OTHERS = ["/leaves/1/pair/2", "/leaves/2/size", "/leaves/2/age", "/trees/0/type/1", "/default/2", "/trees/1/trees/1"]
OTHERS += [f"/trees/1/trees/0/leaves/{key}/{place}" for key in "ab" for place in (0, 1)]


def refused(body: Any, model: TypeAdapter[Any]) -> ProblemError:
    with pytest.raises(ProblemError) as error:
        validated(json.dumps(body).encode(), model)
    return error.value


class TestFaults:
    """Of a small body every fault is told; of a large one the first of each array, lest they fill the memory."""

    def test_of_a_small_body(self) -> None:
        problem = refused(WRONG, TREE)
        assert sorted(fault.pointer for fault in problem.faults) == sorted(FIRST + OTHERS)
        assert problem.detail == "The pointers of `errors` say where the body is wrong."

    def test_of_a_large_body(self) -> None:
        problem = refused(WRONG | {"type": [0] * LARGE}, TREE)
        assert sorted(fault.pointer for fault in problem.faults) == sorted(FIRST)
        assert problem.detail.endswith("Of each array only the first item with a fault is told, as the body is large.")

    @pytest.mark.parametrize(("values", "told"), [(MAX_VALUES, 2), (MAX_VALUES + 1, 1)])
    def test_a_body_is_large_by_its_values(self, values: int, told: int) -> None:
        """The column is one of them."""
        assert refused({"type": ["x", "x"] + [0] * (values - 3)}, TREE).faults_total == told

    @pytest.mark.parametrize(
        ("body", "model", "pointers"),
        [
            ({"cohort": {"patients": [1] * LARGE}}, OUTCOMES, ["/cohort/patients/0"]),
            (
                {"cohort": {"patients": [{}] * LARGE}},
                OUTCOMES,
                [f"/cohort/patients/0/{name}" for name in ("died", "follow_up", "id", "lesions", "sessions")],
            ),
            ({"subjects": [1] * LARGE}, SURVIVAL, ["/subjects/0"]),
            ({"subjects": [{}] * LARGE}, SURVIVAL, ["/subjects/0/event", "/subjects/0/time"]),
            ({"subjects": {"time": [-1] * LARGE, "event": [2]}}, SURVIVAL, ["/subjects/event/0", "/subjects/time/0"]),
            ({"subjects": {"time": [1], "event": [1], "group": [[]] * LARGE}}, SURVIVAL, ["/subjects/group/0"]),
            (SOUND | {"landmarks": ["x"] * LARGE, "quantiles": [2]}, SURVIVAL, ["/landmarks/0", "/quantiles/0"]),
            (SOUND | {"tests": [1] * LARGE, "group_order": [{}] * LARGE}, SURVIVAL, ["/group_order/0", "/tests/0"]),
        ],
    )
    def test_of_a_hostile_body_are_few(self, body: Any, model: TypeAdapter[Any], pointers: list[str]) -> None:
        """Also those that pydantic counts, of every branch of a union."""
        assert sorted(fault.pointer for fault in refused(body, model).faults) == pointers
        with pytest.raises(ValidationError) as error:
            first_faults(model).validate_json(json.dumps(body), strict=True)
        assert error.value.error_count() <= 8

    def test_of_objects_are_bounded_by_their_members(self) -> None:
        body = {"trees": [{str(key): 0 for key in range(1000)}] * 60}
        assert refused(body, TREE).faults_total == 1000


class TestTwoValidators:
    """A large body becomes what a small one does."""

    @pytest.mark.parametrize(
        ("name", "model"),
        [("bale2018", OUTCOMES), ("outcomes_request", OUTCOMES), ("survival_request", SURVIVAL)],
    )
    def test_of_the_examples(self, name: str, model: TypeAdapter[Any]) -> None:
        body = (EXAMPLES / f"{name}.json").read_bytes()
        assert first_faults(model).validate_json(body, strict=True) == model.validate_json(body, strict=True)

    def test_of_rows(self) -> None:
        """What is refused of them together is told by row, which a private attribute knows."""
        rows = [{"time": 2, "event": 1, "entry": 1}] * LARGE + [{"time": 1, "event": 1, "entry": 1}]
        assert [fault.pointer for fault in refused({"subjects": rows}, SURVIVAL).faults] == [f"/subjects/{LARGE}/entry"]

    def test_of_models(self) -> None:
        body = {"leaves": [{"size": 1.5, "pair": [1]}], "trees": [{"leaves": {"a": [1]}, "type": [2]}]}
        bodies = (json.dumps(body | {"type": [0] * size}).encode() for size in (1, LARGE))
        small, large = (validated(one, TREE)[0] for one in bodies)
        assert {type(small), type(large)} == {Tree}
        assert (large.leaves, large.trees, large.default) == (small.leaves, small.trees, small.default)
        assert [leaf._double for leaf in large.leaves] == [3]  # noqa: SLF001 - whether a validator can set it
        assert large.model_fields_set == {"leaves", "trees", "type"}


@pytest.mark.anyio
class TestRoute:
    async def test_the_digest_ignores_spaces_order_and_notation(self, anyio_backend: str) -> None:
        bodies = ('{"name": "x", "width": 2.50, "age": 3}', '{"age":3,\n"width":25e-1,"name":"\\u0078"}')
        async with served(toy_app()) as client:
            answers = [
                (await client.post("/v1/toys", content=body, headers={"content-type": "application/json"})).json()
                for body in bodies
            ]
        assert [answer["digest"] for answer in answers] == 2 * [digest('{"age":3,"name":"x","width":2.5}')]

    @pytest.mark.parametrize(
        "content_type",
        [
            "application/json",
            "Application/JSON; charset=UTF-8",
            "application/vnd.x+json",
            'application/json;charset="utf-8"',
        ],
    )
    async def test_json_goes_by_several_names(self, content_type: str, anyio_backend: str) -> None:
        async with served(toy_app()) as client:
            answer = await client.post("/v1/toys", content=b"{}", headers={"content-type": content_type})
        assert answer.status_code == 200

    async def test_a_body_as_large_as_the_limit_is_taken(self, anyio_backend: str) -> None:
        async with served(toy_app(Settings(max_body_bytes=14))) as client:
            assert (await client.post("/v1/toys", content=b'{"name": "ab"}', headers=JSON)).status_code == 200
            assert (await client.post("/v1/toys", content=b'{"name": "abc"}', headers=JSON)).status_code == 413

    async def test_the_request_of_a_route_still_has_its_body(self, anyio_backend: str) -> None:
        async with served(toy_app()) as client:
            answer = await client.post("/v1/echoes", content=b'{ "name":"ab"}', headers=JSON)
        assert answer.json() == {"body": '{ "name":"ab"}'}

    async def test_a_route_without_a_body_is_as_any_other(self, anyio_backend: str) -> None:
        async with served(toy_app()) as client:
            assert (await client.get("/v1/toys/3?size=1.5")).json() == {"number": 3.0, "size": 1.5}


JSON = {"content-type": "application/json"}
