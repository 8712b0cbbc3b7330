"""Bodies: validated with every fault told or the first of each array, large ones off the event loop."""

import hashlib
import json
from pathlib import Path
from typing import Any, Self

import pytest
from pydantic import BaseModel, Field, PrivateAttr, TypeAdapter, ValidationError, model_validator

from app.api.body import MAX_VALUES, first_faults, validated
from app.api.errors import ProblemError
from app.schemas.outcomes import OutcomesRequest
from app.schemas.survival_request import SurvivalRequest
from app.settings import Settings
from tests.api.toy import toy_app
from tests.conftest import served


def digest(canonical: str) -> str:
    return hashlib.sha256(canonical.encode()).hexdigest()


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
