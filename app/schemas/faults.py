"""How a schema tells what is wrong with a body."""

from collections.abc import Hashable, Iterable, Iterator
from itertools import islice

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

FAULT = "fault"
"""The pydantic error type of our own faults: their sentences reach the client as they are."""

MAX_FAULTS = 10_000
"""So many faults of a body are told one by one; to make more of them would cost more than the body is worth."""

Location = tuple[str | int, ...]
Fault = tuple[Location, str]
"""Where something is wrong, from the model that finds it, and a sentence that holds no value sent."""


def refuse(faults: Iterable[Fault]) -> None:
    """Raise the faults, all at once, for a validator of a model to call; do nothing where there are none.

    Of very many one more than MAX_FAULTS tells that there are too many.
    """
    details = [
        InitErrorDetails(type=PydanticCustomError(FAULT, detail), loc=location, input=None)
        for location, detail in islice(faults, MAX_FAULTS + 1)
    ]
    if details:
        raise ValidationError.from_exception_data(FAULT, details)


def repeated(values: Iterable[Hashable], name: str, *inside: str, detail: str = "is named before") -> Iterator[Fault]:
    """Yield a fault for each value of the list `name`, or of what is inside its items, that stands there before."""
    seen = set()
    for place, value in enumerate(values):
        if value in seen:
            yield (name, place, *inside), detail
        seen.add(value)
