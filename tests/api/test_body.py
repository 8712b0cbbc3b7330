"""Bodies: strict JSON, canonical digests, large ones off the event loop."""

import hashlib
import json
from typing import Any

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic_core import from_json

from app.api.body import MalformedError, canonical_sha256, parsed
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

    @pytest.mark.parametrize(("inline_body_bytes", "inline"), [(1000, True), (14, True), (13, False), (0, False)])
    async def test_a_large_body_is_computed_off_the_event_loop(
        self, inline_body_bytes: int, inline: bool, anyio_backend: str
    ) -> None:
        async with served(toy_app(Settings(inline_body_bytes=inline_body_bytes))) as client:
            answer = await client.post("/v1/toys", json={"name": "abc"})
        assert (answer.json()["thread"] == "MainThread") is inline

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
