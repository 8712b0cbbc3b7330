"""Columns of subjects as they are once validated: packed numbers, packed flags, and labels as codes.

A million rows are a few megabytes so, NumPy takes them without a copy, and no label is coded twice.
"""

from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import NoneType
from typing import TYPE_CHECKING, Any, Self, overload

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

if TYPE_CHECKING:
    Numbers = array[float]
    Flags = array[int]
else:  # an array takes no parameters before Python 3.12
    Numbers = Flags = array


@dataclass(frozen=True, slots=True)
class Coded(Sequence[Any]):
    """A column of labels: the distinct ones as they first appear, and of each row the place of its own among them.

    Labels of several kinds are all apart: True is not 1.

    Examples
    --------
    >>> column = Coded.of(["b", "a", "b"])
    >>> column.levels, column.codes, list(column), column[1:]
    (['b', 'a'], array('i', [0, 1, 0]), ['b', 'a', 'b'], ['a', 'b'])
    """

    levels: list[Any]
    codes: "array[int]"

    @classmethod
    def of(cls, labels: Sequence[Any]) -> Self:
        """Return the column that a list of labels is."""
        one_kind = len({*map(type, labels)} - {NoneType}) < 2
        keys: Sequence[Any] = labels if one_kind else [*zip(map(type, labels), labels, strict=True)]
        place = {key: code for code, key in enumerate(dict.fromkeys(keys))}
        levels = list(place) if one_kind else [label for _, label in place]
        return cls(levels, array("i", [*map(place.__getitem__, keys)]))

    def __len__(self) -> int:
        return len(self.codes)

    @overload
    def __getitem__(self, place: int) -> Any: ...

    @overload
    def __getitem__(self, place: slice) -> list[Any]: ...

    def __getitem__(self, place: int | slice) -> Any:
        if isinstance(place, slice):
            return [*map(self.levels.__getitem__, self.codes[place])]
        return self.levels[self.codes[place]]

    def __iter__(self) -> Iterator[Any]:
        return map(self.levels.__getitem__, self.codes)

    def __contains__(self, label: object) -> bool:
        return label in self.levels


@dataclass(frozen=True, slots=True)
class Packed:
    """A column that comes packed, in Python alone: it is sound if the items tested are, which stand for all."""

    column: Any
    tested: list[Any]


@dataclass(frozen=True, slots=True)
class Packs:
    """An annotation of a packed column: a list of these items is packed so, or comes as `Packed`."""

    items: Any
    pack: Callable[[list[Any]], Sequence[Any]]

    def __get_pydantic_core_schema__(self, _source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return the schema of the list, which is that of the column."""

        def packed(value: Any, validate: Callable[[Any], list[Any]]) -> Sequence[Any]:
            if isinstance(value, Packed):
                validate(value.tested)
                column: Sequence[Any] = value.column
                return column
            return self.pack(validate(value))

        return core_schema.no_info_wrap_validator_function(
            packed,
            handler.generate_schema(self.items),
            serialization=core_schema.plain_serializer_function_ser_schema(list),
        )


def numbers(values: list[float]) -> Numbers:
    """Return a list of numbers packed."""
    return array("d", values)


def flags(values: list[bool]) -> Flags:
    """Return a list of flags packed, some of which may have been sent as 1 and 0."""
    return array("b", values)
