"""Separation: by hand, against a literal linear program, and that no likelihood has a maximum then."""

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from app.analysis import parametric_maximum
from app.analysis.design_matrix import NoModelError, design_of
from app.analysis.parametric import parametric_regression
from app.analysis.separation import check_not_separated
from tests.analysis.parametric_samples import DISTRIBUTIONS, aligned

EVENT = [1, 1, 1, 0, 0, 0]


def blamed(event: list[int], **values: list[Any]) -> list[str]:
    """Return the covariates that separate."""
    design = design_of(values)
    try:
        check_not_separated(design, design.matrix(values), np.array(event) > 0)
    except NoModelError as error:
        return error.terms
    return []


def test_the_refusal_in_words() -> None:
    design, event = design_of({"x": [0.0, 1.0], "y": [1.0, 0.0]}), np.array([True, False, False])
    with pytest.raises(NoModelError, match="the covariates x and y separate those with events from the others") as both:
        check_not_separated(design, np.array([[0.0, 0], [0, 1], [1, 0]]), event)
    assert both.value.problem.startswith("separate those with events")
    with pytest.raises(NoModelError, match="the covariate x separates those"):
        check_not_separated(design_of({"x": [0.0, 1.0]}), np.array([[0.0], [1], [1]]), event)


@pytest.mark.parametrize(
    ("values", "separates"),
    [
        ([5.0, 5, 5, 5, 6, 7], True),  # all with events at the least value
        ([5.0, 5, 5, 5, 6, 4], False),
        ([5.0, 5, 6, 9, 9, 9], False),  # values of those with events differ, so that a slope makes some times shorter
        (["a", "a", "b", "b", "c", "a"], True),  # level c has no events
        (["b", "b", "c", "a", "b", "a"], True),  # nor has the reference
        (["a", "b", "c", "a", "b", "c"], False),
        ([False, False, False, False, True, True], True),
        ([0.0, 0, 0, 1e-6, 1e6, 0], True),
    ],
)
def test_one_covariate_by_hand(values: list[Any], separates: bool) -> None:
    assert blamed(EVENT, x=values) == (["x"] if separates else [])


def test_those_that_separate_alone_are_named() -> None:
    """Also where a direction of all covariates has others in it."""
    noise = [0.3, 1.2, 0.1, 0.9, 2.2, -1.4]
    arm, low = ["a", "a", "a", "a", "b", "a"], [0.0, 0, 0, -1, 0, 0]
    assert blamed(EVENT, noise=noise, arm=arm) == ["arm"]
    assert blamed(EVENT, low=low, noise=noise, arm=arm) == ["low", "arm"]


def test_else_those_that_separate_together() -> None:
    """All with events have x = y, no one else has more x than y; z has nothing to do with it."""
    x, y = [1.0, 2, 3, 1, 2, 4], [1.0, 2, 3, 2, 2, 5]
    assert blamed(EVENT, x=x, y=y) == ["x", "y"]
    assert blamed(
        [1, 1, 1, 1, 0, 0, 0], x=[*x[:3], 5.0, *x[3:]], y=[*y[:3], 5.0, *y[3:]], z=[1.0, 2, 1, 5, 1, 0, 3]
    ) == [
        "x",
        "y",
    ]


def test_without_censoring_nothing_separates() -> None:
    assert blamed([1, 1], x=[0.0, 1.0]) == []


def test_without_covariates_nothing_separates() -> None:
    check_not_separated(design_of({}), np.empty((2, 0)), np.array([True, False]))


@st.composite
def samples(draw: st.DrawFn) -> tuple[list[int], list[list[int]]]:
    """Draw events and censorings, and two covariates that can be told apart."""
    event = draw(st.lists(st.integers(0, 1), min_size=4, max_size=9).filter(lambda drawn: 0 < sum(drawn) < len(drawn)))
    row = st.lists(st.integers(0, 2), min_size=2, max_size=2)
    x = draw(st.lists(row, min_size=len(event), max_size=len(event)))
    assume(np.linalg.matrix_rank(np.column_stack((np.ones(len(x)), x))) == 3)
    return event, x


@given(samples())
@settings(deadline=None)
def test_it_is_what_the_linear_program_says(drawn: tuple[list[int], list[list[int]]]) -> None:
    event, x = np.array(drawn[0]) > 0, np.column_stack((np.ones(len(drawn[0])), drawn[1]))
    others = x[~event]
    found = linprog(
        -others.sum(axis=0), -others, np.zeros(len(others)), x[event], np.zeros(event.sum()), bounds=(-1, 1)
    )
    columns = {name: [float(row[place]) for row in drawn[1]] for place, name in enumerate("xy")}
    assert bool(blamed(drawn[0], **columns)) == ((others @ found.x).sum() > 1e-9)


@given(samples(), st.sampled_from(DISTRIBUTIONS), st.booleans(), st.data())
@settings(deadline=None, max_examples=60)
def test_no_distribution_has_a_maximum_then(
    drawn: tuple[list[int], list[list[int]]], distribution: Any, late: bool, data: st.DataObject
) -> None:
    """Whether entry is delayed or not."""
    event, x = drawn
    assume(blamed(event, **{name: [float(row[place]) for row in x] for place, name in enumerate("xy")}))
    time = data.draw(st.lists(st.integers(2, 9), min_size=len(event), max_size=len(event)))
    columns = {"entry": [place % 2 for place in range(len(event))]} if late else {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parametric_maximum, "lifelines_fit", lambda *_: None)
        assert not parametric_regression(*aligned(time, event, x, **columns), distribution).converged
