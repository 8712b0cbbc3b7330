"""JSON texts: read strictly, and written in the canonical form (RFC 8785) whose SHA-256 is a request's digest."""

import hashlib
import json
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

MAX_DEPTH = 32
MAX_MEMBERS = 1_000
"""Of an object; each that no model knows is a fault."""

MAX_CONTAINERS = 2_500_000
"""Arrays and objects: in memory one is up to a hundred times what it is as text."""


PART = 2**18
"""Bytes that are looked through at a time: they stay in the processor."""


class MalformedError(ValueError):
    """The body is no JSON or table that we take; the message says why and holds nothing of the body."""


def check_containers(body: bytes) -> None:
    """Refuse a text of very many arrays and objects, before any is made; those in strings count, too.

    Raises
    ------
    MalformedError
        If there are more than 2.5 million.
    """
    if len(body) <= MAX_CONTAINERS:
        return
    if sum(int(np.count_nonzero(part | 0x20 == 0x7B)) for part in _parts(body)) > MAX_CONTAINERS:  # [ or {
        raise MalformedError(f"has more than {MAX_CONTAINERS} arrays and objects")


def colons_in(text: bytes) -> int:
    """Return how many colons there are: in a long text in an eighth of the time that `count` takes."""
    if len(text) < PART:
        return text.count(b":")
    return sum(int(np.count_nonzero(part == 0x3A)) for part in _parts(text))


def _parts(text: bytes) -> Iterator[NDArray[np.uint8]]:
    characters = np.frombuffer(text, np.uint8)
    return (characters[start : start + PART] for start in range(0, len(text), PART))


def parsed(body: bytes) -> object:
    """Return the value of a JSON text that leaves nothing open: RFC 8259 and its warnings (I-JSON, RFC 7493).

    Integers that a double cannot hold exactly become the double that they mean, whole doubles become integers.

    Raises
    ------
    MalformedError
        If it is no JSON in UTF-8, or has a byte order mark, NaN or Infinity, a number beyond double, a duplicate
        key, more than 32 levels or an object with more than 1000 members.

    Examples
    --------
    >>> parsed(b'{"time": [1.5, 2.0, 9007199254740993]}')
    {'time': [1.5, 2, 9007199254740992.0]}
    """
    try:
        value = json.loads(
            body.decode("utf-8"),
            parse_int=number,
            parse_float=number,
            parse_constant=_refuse_constant,
            object_pairs_hook=_object,
        )
    except UnicodeDecodeError:
        raise MalformedError("is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise MalformedError(f"is not JSON at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise MalformedError(f"has more than {MAX_DEPTH} levels") from None
    _check_depth(value)
    return value


def number(digits: str) -> float:
    """Return the double that digits mean, or the integer that it is.

    Raises
    ------
    MalformedError
        If it is beyond double.
    """
    double = float(digits)
    if math.isinf(double):
        raise MalformedError("has a number beyond double precision")
    return canonical_number(double)


def canonical_number(double: float) -> float:
    """Return a double as the integer that it is where doubles count exactly, else as it is."""
    return int(double) if double.is_integer() and abs(double) < 2**53 else double


def _refuse_constant(_name: str) -> object:
    raise MalformedError("has NaN or Infinity, which are not JSON")


def _object(members: list[tuple[str, object]]) -> dict[str, object]:
    if len(members) > MAX_MEMBERS:
        raise MalformedError(f"has an object with more than {MAX_MEMBERS} members")
    value = dict(members)
    if len(value) < len(members):
        raise MalformedError("has an object with a duplicate key")
    return value


def _check_depth(value: object) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [child for parent in level for child in _children(parent)]
    if level:
        raise MalformedError(f"has more than {MAX_DEPTH} levels")


def _children(value: object) -> list[object]:
    if isinstance(value, dict):
        return [child for child in value.values() if isinstance(child, dict | list)]
    return [child for child in value if isinstance(child, dict | list)] if isinstance(value, list) else []


SORTED = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER
BEYOND_BMP = re.compile(rb"[\xf0-\xf4]")
"""In keys these characters are sorted by their surrogates."""
UNLIKE_RFC_8785 = (b".0", b"e-6", b"e+")
"""In a number that orjson wrote unlike RFC 8785; elsewhere a false alarm."""
EXPONENT = re.compile(rb"e(-6|\+1[6-9]|\+20)(?![0-9])")
"""Exponents that RFC 8785 writes out; with the `e` first they are found at the speed of reading."""
MANTISSA, LONGEST = re.compile(rb"[0-9](?:\.[0-9]+)?\Z"), 20
"""What is before an exponent, and more than its most characters."""
WHOLE, NEGATIVE_ZERO = re.compile(rb"\.0(?![0-9])"), re.compile(rb"-0\.0(?![0-9])")


def canonical_json(value: object) -> bytes:
    """Return the canonical JSON (RFC 8785) of a parsed value.

    Raises
    ------
    MalformedError
        If a string has half a surrogate pair.

    Examples
    --------
    >>> canonical_json({"b": 2.0, "a": [1e21, 1e-6, 9007199254740993]})
    b'{"a":[1e+21,0.000001,9007199254740992],"b":2}'
    """
    try:
        text = orjson.dumps(value, option=SORTED)
        if not text.isascii() and BEYOND_BMP.search(text):
            text = orjson.dumps(_plain(value))
    except TypeError:
        try:
            text = orjson.dumps(_plain(value))
        except TypeError:
            raise MalformedError("has a string with half a surrogate pair") from None
    marks = [mark for mark in UNLIKE_RFC_8785 if mark in text]
    return _outside_strings(text, marks) if marks else text


def utf_16(key: str) -> bytes:
    """Return what RFC 8785 sorts keys by."""
    return key.encode("utf-16-be", "surrogatepass")


def _plain(value: Any) -> Any:
    """Return a value with keys in order and integers as the doubles that they mean."""
    if isinstance(value, dict):
        return {key: _plain(value[key]) for key in sorted(value, key=utf_16)}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return float(value) if isinstance(value, int) and abs(value) >= 2**53 else value


def _outside_strings(text: bytes, marks: Sequence[bytes]) -> bytes:
    if b"\\" in text:
        # No control character is in a JSON text: three of them stand for backslashes, and quotes inside strings.
        plain = text.replace(rb"\\", b"\0").replace(rb"\"", b"\1").replace(b"\\", b"\2")
        return _outside_strings(plain, marks).replace(b"\2", b"\\").replace(b"\1", rb"\"").replace(b"\0", rb"\\")
    parts = text.split(b'"')
    inside = b'"'.join(parts[1::2])
    if not any(mark in inside for mark in marks):
        return canonical_numbers(text, marks)
    parts[::2] = canonical_numbers(b'"'.join(parts[::2]), marks).split(b'"')
    return b'"'.join(parts)


def canonical_numbers(text: bytes, marks: Sequence[bytes] = UNLIKE_RFC_8785) -> bytes:
    """Return a text of numbers that orjson wrote, with each as RFC 8785 has it; only these marks are in it.

    Examples
    --------
    >>> canonical_numbers(b"[5.0,-0.0,1.5e-6,1e-7,1e+16]")
    b'[5,0,0.0000015,1e-7,10000000000000000]'
    """
    if b"e-6" in marks or b"e+" in marks:
        text = b"".join(_written_out(text))
    if b"-0.0" in text:
        text = NEGATIVE_ZERO.sub(b"0", text)
    return WHOLE.sub(b"", text)


def _written_out(text: bytes) -> Iterator[bytes]:
    """Yield a text of numbers without the exponents that RFC 8785 writes out, in pieces."""
    done = 0
    for found in EXPONENT.finditer(text):
        (mantissa,) = MANTISSA.findall(text, max(done, found.start() - LONGEST), found.start())
        digits, exponent = mantissa.replace(b".", b""), int(found[1])
        yield text[done : found.start() - len(mantissa)]
        yield b"0.00000" + digits if exponent < 0 else digits.ljust(exponent + 1, b"0")
        done = found.end()
    yield text[done:]


@dataclass(frozen=True, slots=True)
class Digest:
    """The SHA-256 of a canonical JSON in hexadecimal digits, and how many colons that has."""

    sha256: str
    colons: int

    @classmethod
    def of(cls, pieces: Iterable[bytes]) -> "Digest":
        """Return the digest of a text that comes in pieces."""
        sha256, colons = hashlib.sha256(), 0
        for piece in pieces:
            sha256.update(piece)
            colons += colons_in(piece)
        return cls(sha256.hexdigest(), colons)


def canonical_sha256(value: object) -> str:
    """Return the SHA-256 of the canonical JSON (RFC 8785) of a parsed value.

    Raises
    ------
    MalformedError
        If a string has half a surrogate pair.

    Examples
    --------
    >>> canonical_sha256({"b": 2, "a": [1e21]}) == hashlib.sha256(b'{"a":[1e+21],"b":2}').hexdigest()
    True
    """
    return Digest.of([canonical_json(value)]).sha256
