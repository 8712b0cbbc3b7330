"""The figures of R and SPSS that the tests compare with; tests/data says how they were made."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from app.analysis.arrays import FloatArray
from app.analysis.observations import Observations, observe

DATA = Path(__file__).parent / "data"


@cache
def reference(name: str) -> dict[str, Any]:
    """Return the reference file `name`.json."""
    loaded: dict[str, Any] = json.loads((DATA / f"{name}.json").read_text())
    return loaded


def blocks(name: str, section: str) -> list[dict[str, Any]]:
    """Return the blocks of a section of a reference file, [] where it has none."""
    found: list[dict[str, Any]] = reference(name)["expected"].get(section, [])
    return found


def sample(name: str, block: dict[str, Any]) -> tuple[Observations, list[str]]:
    """Return the sample that a block was computed from, and the labels of its groups in R's order."""
    part = block["inputs"]
    columns = {
        role: reference(name)["columns"][part[role]] for role in part if part[role] in reference(name)["columns"]
    }
    rows = [row - 1 for row in block.get("rows_used", range(1, reference(name)["n_rows"] + 1))]
    rows = [row for row in rows if all(values[row] is not None for values in columns.values())]

    def column(role: str) -> list[Any] | None:
        return [columns[role][row] for row in rows] if role in columns else None

    group = column("group")
    labels = [] if group is None else reference(name)["column_info"][part["group"]]["levels"]
    cluster, stratum = column("cluster"), column("strata")
    cause = column("cause") or column("event")
    assert cause is not None
    return observe(
        column("time") or [],
        cause,
        entry=column("entry"),
        weight=column("weights"),
        group=None if group is None else [labels.index(label) for label in group],
        # Where weights are no frequencies, and variances robust, R takes each row as a cluster.
        sampling="robust" in block.get("variance", "") and "weights" in columns,
        stratum=None if stratum is None else [sorted(set(stratum)).index(code) for code in stratum],
        cluster=None if cluster is None else [sorted(set(cluster)).index(code) for code in cluster],
    ), labels


def numbers(values: ArrayLike) -> FloatArray:
    """Return R's figures as an array, with NaN for null."""
    return np.array(values, dtype=np.float64)


def assert_equal_to_r(actual: ArrayLike, expected: ArrayLike, rtol: float = 1e-9, atol: float = 1e-12) -> None:
    """Assert that NaN stands exactly where R has NA, and that the other figures agree."""
    expected_numbers = numbers(expected)
    np.testing.assert_array_equal(np.isnan(numbers(actual)), np.isnan(expected_numbers))
    np.testing.assert_allclose(numbers(actual), expected_numbers, rtol=rtol, atol=atol)


def group_samples(
    name: str, block: dict[str, Any], section: str = "strata"
) -> list[tuple[Observations, dict[str, Any]]]:
    """Return for each group of a block its sample and its figures."""
    observations, labels = sample(name, block)
    return list(zip(observations.split(max(len(labels), 1)), block[section], strict=True))
