"""Anything in any place of a good request."""

import copy
from collections.abc import Sequence
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

Path = tuple[Any, ...]

NAME = "Jane Doe"
"""A text that no answer but one that names groups may repeat."""


FUZZING = settings.get_current_profile_name() == "fuzz"


def examples(few: int) -> int:
    """Return how many examples are tried: few, or as many as the profile `fuzz` says where that is chosen."""
    return settings().max_examples if FUZZING else few


def paths(value: Any, path: Path = ()) -> list[Path]:
    """Return the path of every value inside a JSON value."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, child in children for found in paths(child, (*path, key)))]


def found(value: Any, path: Sequence[Any]) -> Any:
    """Return what a JSON value has in a place."""
    for step in path:
        value = value[step]
    return value


def replaced(value: Any, path: Path, new: Any) -> Any:
    """Return a JSON value with another one in a place, which may be new in an object."""
    if not path:
        return new
    result = copy.copy(value)
    result[path[0]] = new if len(path) == 1 else replaced(value[path[0]], path[1:], new)
    return result


def nested(value: Any, levels: int) -> Any:
    """Return a value inside so many arrays."""
    for _ in range(levels):
        value = [value]
    return value


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=5), children, max_size=3),
    max_leaves=4,
)
odd_values = st.sampled_from([0, -1, 1e-9, 1e308, 5e-324, "", "1", "2020-02-30", "9999-12-31", "0001-01-01", [], {}])
hostile_values = (
    json_values
    | odd_values
    | st.sampled_from(
        [
            *(NAME, [NAME], {NAME: NAME}, "\x00", "\ud800", "\u202e", "x" * 5000, "2019-03-31T00:00:00Z"),
            *(10**400, -(10**400), 2**63, 2**53 + 1, -0.0, float("nan"), float("inf")),
            *(nested(1, 30), nested(1, 40), {str(key): key for key in range(1001)}, [0] * 1001),
        ]
    )
)


@st.composite
def spoilt(draw: st.DrawFn, bodies: st.SearchStrategy[Any]) -> Any:
    """Draw a good body, an object, with something else in one place or two, or an item twice, or one missing."""
    body = draw(bodies)
    for _ in range(draw(st.integers(1, 2))):
        places = paths(body)[1:] or [("new",)]
        *inside, last = draw(st.sampled_from(places))
        around = copy.copy(found(body, inside))
        match draw(st.sampled_from(["replace", "twice", "remove", "add"])):
            case "twice" if isinstance(around, list):
                around.append(around[last])
            case "remove" if last in around or isinstance(around, list):
                del around[last]
            case "add" if isinstance(around, dict):
                around[draw(st.text(max_size=5) | st.sampled_from(["__proto__", "id", "a/b~c"]))] = draw(hostile_values)
            case _:
                around = replaced(around, (last,), draw(hostile_values))
        body = replaced(body, (*inside,), around)
    return body
