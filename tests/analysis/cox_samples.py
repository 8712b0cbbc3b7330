"""What the tests of Cox models share: literal sums, random samples, and the models of R."""

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from app.analysis.arrays import FloatArray
from app.analysis.conventions import Ties
from app.analysis.observations import Observations, observe
from tests.references import blocks, numbers, reference

BOTH_TIES: tuple[Ties, Ties] = ("efron", "breslow")


def column(*values: float) -> FloatArray:
    return np.array(values, dtype=np.float64)[:, None]


FOUR_DEATHS = observe([1, 2, 3, 4], [True] * 4)


@st.composite
def samples(draw: st.DrawFn, *, min_size: int = 1, ties: bool = True, entry: bool | None = None) -> Observations:
    size = draw(st.integers(min_size, 9))

    def values(low: int, high: int) -> list[int]:
        return draw(st.lists(st.integers(low, high), min_size=size, max_size=size))

    start = values(0, 5) if draw(st.booleans() if entry is None else st.just(entry)) else None
    length = values(1, 4) if ties else draw(st.permutations(range(1, size + 1)))
    return observe(
        length if start is None else [first + more for first, more in zip(start, length, strict=True)],
        values(0, 1),
        entry=start,
        weight=values(1, 3) if ties and draw(st.booleans()) else None,
        group=values(0, 2),
        cluster=values(0, 3) if draw(st.booleans()) else None,
    )


def covariates_of(observations: Observations, columns: int) -> st.SearchStrategy[FloatArray]:
    row = st.lists(st.integers(-2, 3), min_size=columns, max_size=columns)
    return st.lists(row, min_size=observations.size, max_size=observations.size).map(numbers)


def replicated(observations: Observations, x: FloatArray) -> tuple[Observations, FloatArray]:
    rows = np.repeat(np.arange(observations.size), observations.weights.astype(np.int64))
    return replace(observations.select(rows), weight=None), x[rows]


def crowd(size: int) -> tuple[Observations, FloatArray]:
    """Return a sample of 10 times `size` subjects, all of whom die at one of two times, with its covariate."""
    weight = [size * share for share in (2, 3, 1, 1, 3)]
    # The group keeps rows apart that differ in their covariate alone.
    return observe([1, 1, 2, 2, 2], [True] * 5, weight=weight, group=range(5)), column(1, 0, 0, 1, 1)


def sample_with_covariates(name: str, block: dict[str, Any]) -> tuple[Observations, FloatArray]:
    """Return the sample of a `cox` block, and its covariates with factors by treatment coding."""
    part, columns = block["inputs"], reference(name)["columns"]
    names = [part[role] for role in ("time", "event", "cluster", "weights") if role in part] + part["covariates"]
    rows = [row - 1 for row in block.get("rows_used", range(1, reference(name)["n_rows"] + 1))]
    rows = [row for row in rows if all(columns[name][row] is not None for name in names)]
    values = {name: np.array(columns[name])[rows] for name in names}
    if "cause ==" in block.get("data_step", ""):  # d$event <- as.integer(d$cause == 1)
        values["event"] = np.array(columns["cause"])[rows] == int(block["data_step"].split("==")[1].strip(" )"))
    observations = observe(
        values[part["time"]],
        values[part["event"]],
        weight=values[part["weights"]] if "weights" in part else None,
        group=range(len(rows)),  # tells where `observe` sorts each row to
    )
    order = observations.groups
    covariates = [
        values[coefficient["variable"]] == coefficient["level"]
        if "level" in coefficient
        else values[coefficient["name"]]
        for coefficient in block["coefficients"]
    ]
    cluster = np.unique(values[part["cluster"]], return_inverse=True)[1][order] if "cluster" in part else None
    return replace(observations, group=None, cluster=cluster), numbers(covariates).T[order]


def applies(block: dict[str, Any]) -> bool:
    """R takes weights otherwise with Efron ties; the core has no strata and no exact ties."""
    part = block["inputs"]
    return part["ties"] in BOTH_TIES and "strata" not in part and (part["ties"] == "breslow" or "weights" not in part)


R_MODELS = [
    (name, block["id"])
    for name in ("aml", "lung", "veteran", "ovarian", "kidney", "melanoma")
    for block in blocks(name, "cox")
    if applies(block)
]


def cox_block(name: str, block_id: str) -> dict[str, Any]:
    return next(block for block in blocks(name, "cox") if block["id"] == block_id)
