"""What the tests of Fine-Gray models share: random samples with covariates, and those of R."""

from typing import Any

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from app.analysis.arrays import FloatArray
from app.analysis.conventions import Ties
from app.analysis.errors import NoEstimateError
from app.analysis.fine_gray import FineGrayModel, fine_gray_regression
from app.analysis.observations import Observations, observe
from tests.references import blocks, numbers, reference
from tests.strategies import Rows, rows

GROUPS = 3
VALUES = np.array([[0.0, 1.0], [1.0, -1.0], [2.0, 0.5]])
"""Covariates of a row by its group, so that rows that say the same have the same."""

FOUR = observe([1, 2, 3, 4], [2, 1, 1, 0])
FOUR_X = np.array([[1.0], [1.0], [0.0], [0.0]])


def with_values(observations: Observations, columns: int = 2) -> tuple[Observations, FloatArray]:
    return observations, VALUES[observations.groups, :columns]


def samples(**options: Any) -> st.SearchStrategy[Rows]:
    return rows(
        **{"causes": 2, "groups": GROUPS, "group": True, "stratum": None, "min_size": 8, "max_size": 12} | options
    )


def melanoma(block_id: str) -> tuple[dict[str, Any], Observations, FloatArray]:
    """Return a block of R, its sample with the block's cause as the first, and its covariates."""
    block = next(block for block in blocks("melanoma", "fine_gray") if block["id"] == block_id)
    columns, info = reference("melanoma")["columns"], reference("melanoma")["column_info"]
    of_interest = block["inputs"]["failcode"]
    cause = [0 if code == 0 else 1 if code == of_interest else 2 for code in columns["cause"]]
    observations = observe(columns["time"], cause, group=range(len(cause)))
    covariates: list[Any] = []
    for name in block["inputs"]["covariates"]:
        levels = info[name].get("levels", [])[1:]
        covariates += [[value == level for value in columns[name]] for level in levels] or [columns[name]]
    return block, observations, numbers(covariates).T[observations.groups]


def r_figures(part: dict[str, Any], name: str) -> list[float]:
    return [coefficient[name] for coefficient in part["coefficients"]]


def fitted(sample: Rows, *, columns: int = 1, ties: Ties = "breslow") -> FineGrayModel:
    """Return the model of a random sample, if it exists."""
    observations, x = with_values(sample.observe(), columns)
    try:
        return fine_gray_regression(observations, x, ties=ties)
    except NoEstimateError:
        assume(False)
        raise
