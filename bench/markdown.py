"""Results as Markdown, to read in a terminal and to keep."""

import sys
from collections.abc import Iterable, Iterator, Sequence


def table(*rows: Iterable[str]) -> Iterator[str]:
    """Yield the lines of a table whose first row is its head."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return iter([lines[0], "|" + "---|" * (lines[0].count("|") - 1), *lines[1:]])


def section(title: str, *lines: str) -> None:
    """Print a section."""
    print(f"## {title}", "", *lines, "", sep="\n", flush=True)


def figure(value: float) -> str:
    """Return a positive number to three digits, and with no zeros to fill it up.

    Examples
    --------
    >>> [figure(value) for value in (0.012345, 1.5, 12.345, 123.45, 12345.6)]
    ['0.0123', '1.5', '12.3', '123', '12,346']
    """
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def sizes_asked_for(*usual: int) -> Sequence[int]:
    """Return the sizes that the command line names; by default the usual ones, of which `--quick` is the first."""
    named = [int(argument) for argument in sys.argv[1:] if argument.isdecimal()]
    return named or usual[: 1 if "--quick" in sys.argv else None]
