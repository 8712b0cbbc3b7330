"""JSON texts: strictly read, canonically written."""

import hashlib
import json
from typing import Any

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic_core import from_json

from app.api.json_text import (
    MAX_CONTAINERS,
    MalformedError,
    canonical_json,
    canonical_sha256,
    check_containers,
    parsed,
)

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


@settings(deadline=None, max_examples=300)
@given(VALUES)
def test_canonical_json_is_that_of_another_implementation(value: Any) -> None:
    assert canonical_json(value) == rfc8785.dumps(value)


@settings(deadline=None, max_examples=300)
@given(st.integers(-20, 30), st.integers(-(10**17), 10**17), st.integers(0, 17))
def test_numbers_are_written_as_that_one_writes_them(exponent: int, digits: int, places: int) -> None:
    """Around every border between plain digits and exponents, beside strings that look like numbers, too."""
    value = float(f"{digits}e{exponent - places}")
    assert canonical_json([value, {'5.0,"\\': value}, "1.0]"]) == rfc8785.dumps([value, {'5.0,"\\': value}, "1.0]"])


def test_very_many_containers_are_refused_before_they_are_made() -> None:
    check_containers(b"[{}]" * (MAX_CONTAINERS // 2) + b" " * MAX_CONTAINERS)
    with pytest.raises(MalformedError, match="has more than 2500000 arrays and objects"):
        check_containers(b"[{}]" * (MAX_CONTAINERS // 2) + b"{")


@settings(deadline=None, max_examples=60)
@given(VALUES)
def test_numbers_mean_doubles_however_they_are_written(value: Any) -> None:
    """The digest of a text is that of its value: 2.0, 2e0 and 2 are one number."""
    assert canonical_sha256(parsed(json.dumps(value).encode())) == canonical_sha256(value)


def test_an_integer_beyond_exactness_is_the_double_that_it_means() -> None:
    assert canonical_sha256(parsed(b"[9007199254740993]")) == digest("[9007199254740992]")
    assert canonical_sha256(parsed(b"[1" + b"0" * 21 + b"]")) == digest("[1e+21]")
