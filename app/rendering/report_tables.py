"""Tables that several sections of a report have in common."""

from collections.abc import Iterator, Mapping, Sequence

from app.analysis.hypothesis_test import HypothesisTest
from app.analysis.proportions import Proportion
from app.cohort.lesion_tables import GroupedProportions
from app.rendering.cells import proportion_cells, test_cells
from app.rendering.document import Block, Cell, Rows, Table
from app.rendering.words import counted


def proportion_table(
    caption: str, level: str, rows: Sequence[tuple[str, Proportion]], groupings: Sequence[GroupedProportions] = ()
) -> Table:
    """Return proportions, and below them those of groups."""
    parts = [Rows("", [[Cell(name), *proportion_cells(one)] for name, one in rows])]
    for table in groupings:
        of_groups = zip(table.labels, table.proportions, strict=True)
        heading = f"By {table.name} ({ungrouped(table.excluded, 'lesion')})" if table.excluded else f"By {table.name}"
        parts.append(Rows(heading, [[Cell(label), *proportion_cells(one)] for label, one in of_groups]))
    return Table(caption, ["", "n/N (%)", f"{level}, %", f"{level} clustered by patient, %"], parts)


def left_out(excluded: Mapping[str, int], unit: str) -> str:
    """Return who was left out and why, as a sentence."""
    reasons = [f"{counted(number, unit)} {reason}" for reason, number in excluded.items()]
    return f"Left out: {', '.join(reasons) or 'none'}."


def ungrouped(excluded: int, unit: str) -> str:
    """Return how many units a grouping leaves out."""
    return f"{counted(excluded, unit)} with no value or in no bin left out"


def test_tables(caption: str, tests: Sequence[tuple[str, Sequence[HypothesisTest]]]) -> Iterator[Block]:
    """Yield the table of tests under headings, nothing where there are none."""
    parts = [Rows(heading, [test_cells(test) for test in found]) for heading, found in tests if found]
    if parts:
        yield Table(caption, ["Test", "Statistic", "df", "P"], parts)
