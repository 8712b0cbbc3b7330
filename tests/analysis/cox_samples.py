"""What the tests of Cox models share: literal sums, random samples, and the models of R."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from app.analysis.arrays import FloatArray, IntArray
from app.analysis.conventions import Ties
from app.analysis.event_times import event_times
from app.analysis.hazard_ratios import HazardRatio, fit_groups, hazard_ratios
from app.analysis.hypothesis_test import HypothesisTest
from app.analysis.observations import Observations, observe, strata_in_sequence
from app.analysis.proportional_hazards import groups_proportional
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


def literal_steps(observations: Observations, ties: Ties) -> Iterator[tuple[float, FloatArray, FloatArray]]:
    """Yield for each event, in its stratum alone: time, the share that each row has of it, and the weights at risk."""
    strata = np.zeros(observations.size) if observations.stratum is None else observations.stratum
    entry = np.full(observations.size, -1.0) if observations.entry is None else observations.entry
    for stratum in np.unique(strata):
        for time in np.unique(observations.time[observations.event & (strata == stratum)]):
            at_risk = observations.weights * ((strata == stratum) & (entry < time) & (time <= observations.time))
            events = at_risk * (observations.event & (observations.time == time))
            for step in range(round(events.sum())):
                left = step / events.sum() if ties == "efron" else 0
                yield float(time), events / events.sum(), at_risk - left * events


def sample_with_covariates(name: str, block: dict[str, Any]) -> tuple[Observations, FloatArray]:
    """Return the sample of a `cox` block, and its covariates with factors by treatment coding."""
    part, columns = block["inputs"], reference(name)["columns"]
    roles = [role for role in ("time", "event", "entry", "cluster", "weights") if role in part]
    names = [part[role] for role in roles] + part["covariates"] + part.get("strata", [])
    rows = [row - 1 for row in block.get("rows_used", range(1, reference(name)["n_rows"] + 1))]
    rows = [row for row in rows if all(columns[name][row] is not None for name in names)]
    values = {name: np.array(columns[name])[rows] for name in names}
    if "cause ==" in block.get("data_step", ""):  # d$event <- as.integer(d$cause == 1)
        values["event"] = np.array(columns["cause"])[rows] == int(block["data_step"].split("==")[1].strip(" )"))
    if "lhs" in part:  # Surv(time - entry, event)
        values["time"] = values["time"] - np.array(columns["entry"])[rows]
    observations = observe(
        values[part["time"]],
        values[part["event"]],
        entry=values[part["entry"]] if "entry" in part else None,
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

    def codes(name: str) -> IntArray:
        return np.unique(values[name], return_inverse=True)[1][order]

    cluster = codes(part["cluster"]) if "cluster" in part else None
    stratum = codes(*part["strata"]) if "strata" in part else None
    return replace(observations, group=None, cluster=cluster, stratum=stratum), numbers(covariates).T[order]


def in_sequence(observations: Observations, x: FloatArray) -> tuple[Observations, FloatArray]:
    """Return the sample with its strata in sequence, and its covariates in the order of its rows."""
    laid = strata_in_sequence(replace(observations, group=np.arange(observations.size)))
    return laid, x[laid.groups]


def applies(block: dict[str, Any]) -> bool:
    """R takes weights otherwise with Efron ties; the core has no exact ties."""
    return block["inputs"]["ties"] == "breslow" or (
        block["inputs"]["ties"] == "efron" and "weights" not in block["inputs"]
    )


def cox_block(name: str, block_id: str) -> dict[str, Any]:
    return next(block for block in blocks(name, "cox") if block["id"] == block_id)


def models(*names: str) -> list[tuple[str, str]]:
    return [(name, block["id"]) for name in names for block in blocks(name, "cox") if applies(block)]


ALL_MODELS = models("aml", "lung", "veteran", "ovarian", "kidney", "melanoma", "myeloma", "rats2", "rhdnase")
STRATIFIED_MODELS = [model for model in ALL_MODELS if "strata" in cox_block(*model)["inputs"]]
R_MODELS = [
    model
    for model in models("aml", "lung", "veteran", "ovarian", "kidney", "melanoma")
    if model not in STRATIFIED_MODELS
]


def group_hazard_ratios(
    observations: Observations, groups: int, *, ties: Ties = "efron", confidence_level: float = 0.95
) -> list[HazardRatio]:
    return hazard_ratios(fit_groups(observations, event_times(observations, groups), ties=ties), confidence_level)


def proportional(observations: Observations, groups: int, ties: Ties = "efron") -> HypothesisTest:
    return groups_proportional(observations, fit_groups(observations, event_times(observations, groups), ties=ties))
