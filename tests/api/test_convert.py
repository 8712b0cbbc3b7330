"""From results to the wire: NaN becomes null, and nothing else changes."""

import numpy as np

from app.analysis.hypothesis_test import HypothesisTest
from app.analysis.quantiles import Quantile
from app.api import convert


def test_figures_that_do_not_exist_are_null() -> None:
    assert [convert.number(value) for value in (1.5, 0.0, np.nan, np.inf)] == [1.5, 0.0, None, None]
    assert convert.numbers(np.array([1.0, np.nan])) == [1.0, None]
    assert convert.numbers(np.array([])) == []


def test_the_names_of_a_result_are_those_of_the_wire() -> None:
    quantile = convert.quantile(Quantile(0.5, 4.0, np.nan, 2.0, np.nan, "no upper limit"))
    assert quantile.model_dump() == {
        "probability": 0.5,
        "estimate": 4.0,
        "standard_error": None,
        "lower": 2.0,
        "upper": None,
        "reason": "no upper limit",
    }


def test_a_test_without_counts_has_no_groups() -> None:
    found = convert.survival_test(HypothesisTest("max-combo", 2.0, 0, 0.1), ["a", "b"], 1)
    assert found.groups == []


def test_the_counts_of_a_test_stand_by_their_labels() -> None:
    test = HypothesisTest("log-rank", 2.0, 1, 0.1, np.array([3.0, 1.0]), np.array([1.5, 2.5]))
    assert [(one.label, one.observed, one.expected) for one in convert.survival_test(test, ["a", "b"], 1).groups] == [
        ("a", 3.0, 1.5),
        ("b", 1.0, 2.5),
    ]
