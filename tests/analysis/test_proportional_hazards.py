"""The test of proportional hazards: by hand, literally, by properties, and against R."""

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from app.analysis.arrays import FloatArray
from app.analysis.conventions import Ties
from app.analysis.cox import cox_regression
from app.analysis.errors import InvalidObservationsError, InvalidParameterError, NoEstimateError
from app.analysis.observations import Observations, observe
from app.analysis.proportional_hazards import (
    ProportionalHazards,
    TimeTransform,
    proportional_hazards_test,
)
from tests import literal
from tests.analysis.cox_samples import (
    ALL_MODELS,
    BOTH_TIES,
    FOUR_DEATHS,
    column,
    cox_block,
    in_sequence,
    literal_steps,
    sample_with_covariates,
)
from tests.references import assert_equal_to_r, numbers
from tests.strategies import Rows, rows

TRANSFORMS: tuple[TimeTransform, ...] = get_args(TimeTransform)
EVERY_KIND = pytest.mark.parametrize("transform", TRANSFORMS)


def fitted_test(
    observations: Observations,
    x: FloatArray,
    *,
    ties: Ties = "efron",
    transform: TimeTransform = "km",
    terms: list[list[int]] | None = None,
) -> ProportionalHazards:
    coefficient = cox_regression(*in_sequence(observations, x), ties=ties).coefficient
    return proportional_hazards_test(observations, x, coefficient, ties=ties, transform=transform, terms=terms)


@EVERY_KIND
def test_two_events_by_hand(transform: TimeTransform) -> None:
    """L = r / (2 r + 1) / (r + 1) is largest at r = 1 / sqrt 2; g = 0, 1 but for unit and origin.

    U = 0 - r / (r + 1) = 1 - sqrt 2; V_1 = 2 r / (2 r + 1)^2 = V_2 = r / (r + 1)^2 = sqrt 2 (sqrt 2 - 1)^2, and the
    variance is V_1 V_2 / (V_1 + V_2) = V_1 / 2.
    """
    found = fitted_test(observe([1, 2, 3], [True, True, False]), column(1, 0, 1), transform=transform)
    assert found.overall.statistic == pytest.approx(2**0.5)
    assert (found.overall.name, found.overall.degrees_of_freedom, found.overall.reason) == (
        "proportional-hazards",
        1,
        None,
    )
    assert found.terms == [found.overall]


@pytest.mark.parametrize("ties", BOTH_TIES)
@pytest.mark.parametrize(("transform", "statistic"), [("identity", 4 / 83), ("km", 16 / 33), ("rank", 2 / 19)])
def test_transforms_of_time_by_hand(ties: Ties, transform: TimeTransform, statistic: float) -> None:
    """As many are at risk with x = 1 as with x = 0 at each event, so b = 0 and s = 1/2, -1/2, 0; V = 1/4, 1/4, 1/2.

    identity: g = 1, 2, 6, U = -1/2, variance 77/4 - (15/4)^2 = 83/16.
    km: S = 1, 3/4, 9/16 just before, so g = 0, 1/4, 7/16, U = -1/8, variance 57/512 - (9/32)^2 = 33/1024.
    rank: of 1, 2, 3+, 6, 6: g = 1, 2, 9/2, U = -1/2, variance 91/8 - 3^2 = 19/8.
    """
    observations = observe([6, 2, 3, 1, 6], [1, 1, 0, 1, 1], entry=[0, 0, 1, 0, 0], group=range(5))
    x = column(1, 0, 1, 1, 0)[observations.groups]
    found = fitted_test(observations, x, ties=ties, transform=transform)
    assert found.overall.statistic == pytest.approx(statistic)


@pytest.mark.parametrize(("transform", "statistic"), [("identity", 4 / 83), ("km", 16 / 57), ("rank", 16 / 57)])
def test_strata_by_hand(transform: TimeTransform, statistic: float) -> None:
    """One and one are at risk in each of three strata: s and V are those of the test above, time is of all strata.

    km: S = 1, 5/6, 5/8 just before 1, 2, 6, so g = 0, 1/6, 3/8, U = -1/12, variance 89/1152 - (11/48)^2 = 57/2304.
    rank: of 1, 1.5+, 2, 3+, 6, 6: g = 1, 3, 11/2, which is that of km but for unit and origin.
    """
    observations = observe([1, 1.5, 2, 3, 6, 6], [1, 0, 1, 0, 1, 1], group=range(6), stratum=[2, 2, 1, 1, 0, 0])
    x = column(1, 0, 0, 1, 0, 1)[observations.groups]
    assert fitted_test(observations, x, transform=transform).overall.statistic == pytest.approx(statistic)


@pytest.mark.parametrize(
    ("observations", "x"),
    [
        (observe([1, 2, 3], [False] * 3), column(1, 0, 1)),
        (FOUR_DEATHS, column(0.3, 0.3, 0.1 + 0.2, 0.3)),
        (observe([0.1, 0.1, 0.2, 0.3], [1, 1, 0, 0], group=range(4)), column(0, 1, 1, 0)),
        (observe([1, 2, 2, 4, 4, 5], [0, 1, 0, 1, 0, 0], entry=[0, 0, 0, 3, 3, 4]), column(9, 1, 1, 2, 2, 7)),
        (observe([1, 2, 3, 4, 4], [1] * 5, group=range(5), stratum=[0, 0, 1, 1, 1]), column(0.1, 0.1, 0.7, 0.7, 0.7)),
        (observe([1, 2, 3, 4, 5], [1] * 5, entry=[0, 1, 2, 3, 3]), column(7, 1e9, 3, 1, 2)),
    ],
    ids=["no events", "constant", "one event time", "constant at risk", "constant in strata", "varies at one time"],
)
@EVERY_KIND
def test_where_time_can_change_nothing_there_is_no_test(
    observations: Observations, x: FloatArray, transform: TimeTransform
) -> None:
    test = proportional_hazards_test(observations, x, np.array([0.25]), transform=transform).overall
    assert np.isnan([test.statistic, test.p_value]).all()
    assert test.degrees_of_freedom == 0
    assert test.reason == "nothing varies among those at risk at two event times or more"


@EVERY_KIND
def test_a_covariate_that_does_not_vary_leaves_the_others_their_tests(transform: TimeTransform) -> None:
    x = column(1, 0, 1, 1, 0, 1)
    observations = observe([1, 2, 3, 4, 5, 6], [True] * 6, stratum=[0, 0, 0, 1, 1, 1])
    alone = fitted_test(observations, x, transform=transform).overall
    coefficient = [*cox_regression(*in_sequence(observations, x)).coefficient, 0.0]
    both = np.column_stack((x, [0.1, 0.1, 0.1, 0.7, 0.7, 0.7]))
    found = proportional_hazards_test(observations, both, np.array(coefficient), transform=transform)
    assert found.overall.statistic == pytest.approx(alone.statistic, rel=1e-9)
    assert found.terms[0].statistic == pytest.approx(alone.statistic, rel=1e-9)
    assert [test.degrees_of_freedom for test in (*found.terms, found.overall)] == [1, 0, 1]


def test_an_event_far_from_the_others_loses_them_no_digits() -> None:
    """At the last event nobody else is at risk: when it is does not matter."""
    x = column(1, 0, 0, 1, 0)
    near, far = (
        fitted_test(observe([1, 2, 3, 4, last], [True] * 5), x, transform="identity").overall for last in (5, 1e7)
    )
    assert far.statistic == pytest.approx(near.statistic, rel=1e-8)


def test_a_row_that_is_at_risk_at_no_event_does_not_matter_whatever_its_covariate() -> None:
    x = column(1, 0, 0, 1)
    test = fitted_test(FOUR_DEATHS, x, transform="identity").overall
    other = fitted_test(observe([0.5, 1, 2, 3, 4], [0, 1, 1, 1, 1]), np.vstack(([[1e12]], x)), transform="identity")
    assert other.overall.statistic == pytest.approx(test.statistic, rel=1e-12)


def test_terms_are_tested_together() -> None:
    observations, x = sample_with_covariates("kidney", cox_block("kidney", "efron"))
    found = fitted_test(observations, x, terms=[[0], [1, 2, 3, 4], [4, 3, 2, 1, 0]])
    assert [test.degrees_of_freedom for test in found.terms] == [1, 4, 5]
    assert found.terms[0] == fitted_test(observations, x).terms[0]
    assert found.terms[2].statistic == pytest.approx(found.overall.statistic)


@pytest.mark.parametrize(
    "covariates", [np.zeros(4), np.zeros((4, 0)), np.zeros((3, 1)), np.zeros((4, 2)), column(0, 1, 2, np.nan)]
)
def test_covariates_are_a_finite_matrix_with_the_rows_of_the_sample(covariates: FloatArray) -> None:
    with pytest.raises(InvalidObservationsError):
        proportional_hazards_test(FOUR_DEATHS, covariates, np.zeros(1))


def test_an_unknown_transform_is_refused() -> None:
    with pytest.raises(InvalidParameterError, match="km, rank, identity"):
        proportional_hazards_test(FOUR_DEATHS, column(1, 0, 0, 1), np.zeros(1), transform="log")  # type: ignore[arg-type]


def literal_time(observations: Observations, transform: TimeTransform, time: float) -> float:
    everyone = literal.subjects(observations)
    if transform == "identity":
        return time
    if transform == "km":
        return 1 - float(literal.survival(everyone, time - 0.5))
    earlier = literal.count([row for row in everyone if row.time < time])
    return float(earlier + (literal.count([row for row in everyone if row.time == time]) + 1) / 2)


def literal_test(
    observations: Observations, x: FloatArray, ties: Ties, transform: TimeTransform, columns: list[int]
) -> float:
    """Return the score test of the covariates g(t) x of these columns in the model with all x too."""
    p = x.shape[1]
    coefficient = np.append(
        cox_regression(*in_sequence(observations, x), ties=ties).coefficient, np.zeros(len(columns))
    )
    score, information = np.zeros(coefficient.size), np.zeros((coefficient.size,) * 2)
    for time, events, at_risk in literal_steps(observations, ties):
        z = np.hstack((x, (literal_time(observations, transform, time)) * x[:, columns]))
        share = at_risk * np.exp(x @ coefficient[:p])
        share /= share.sum()
        score += events @ z - share @ z
        information += (z - share @ z).T @ (share[:, None] * (z - share @ z))
    assume(np.linalg.cond(information) < 1e8)
    assert score[:p] == pytest.approx(0, abs=1e-6)
    return float(score @ np.linalg.solve(information, score))


def with_covariates(sample: Rows, x: FloatArray) -> tuple[Observations, FloatArray]:
    """Return the checked sample, none of its rows merged, and the covariates in its order."""
    observations = observe(**sample.columns() | {"group": range(sample.size)})
    return observations, x[observations.groups]


FEW = settings(deadline=None, max_examples=30)
SAMPLES = rows(group=False, stratum=None, min_size=5, max_size=12)


COVARIATES = st.lists(st.lists(st.integers(-2, 3), min_size=2, max_size=2), min_size=12, max_size=12).map(numbers)


@given(SAMPLES, COVARIATES, st.sampled_from(BOTH_TIES), st.sampled_from(TRANSFORMS))
@settings(deadline=None, max_examples=50)
def test_it_is_the_score_test_of_covariates_that_change_with_time(
    sample: Rows, drawn: FloatArray, ties: Ties, transform: TimeTransform
) -> None:
    observations, x = with_covariates(sample, drawn)
    try:
        found = fitted_test(observations, x, ties=ties, transform=transform)
    except NoEstimateError:
        assume(False)
    for test, columns in zip((*found.terms, found.overall), ([0], [1], [0, 1]), strict=True):
        expected = literal_test(observations, x, ties, transform, columns)
        assert test.degrees_of_freedom == len(columns)
        assert test.statistic == pytest.approx(expected, rel=1e-5, abs=1e-8)


def assert_same_test(first: Rows, x: FloatArray, second: Rows, y: FloatArray) -> None:
    for transform in TRANSFORMS:
        try:
            found = fitted_test(*with_covariates(first, x), transform=transform)
        except NoEstimateError:
            assume(False)
        same = fitted_test(*with_covariates(second, y), transform=transform)
        for one, other in zip((*found.terms, found.overall), (*same.terms, same.overall), strict=True):
            assert one.degrees_of_freedom == other.degrees_of_freedom
            np.testing.assert_allclose(one.statistic, other.statistic, rtol=1e-5, atol=1e-8)


@given(SAMPLES, COVARIATES, st.sampled_from([1e-4, 1e4]), st.sampled_from([-1e5, 1e5]))
@FEW
def test_unit_and_origin_of_a_covariate_do_not_matter(sample: Rows, x: FloatArray, unit: float, origin: float) -> None:
    assert_same_test(sample, x, sample, (x + np.array([0, origin])) * [unit, 1])


@given(SAMPLES, COVARIATES, st.sampled_from([0.25, 365.25]), st.sampled_from([0, 2000]))
@FEW
def test_unit_and_origin_of_time_do_not_matter(sample: Rows, x: FloatArray, unit: float, origin: float) -> None:
    def changed(times: list[float]) -> list[float]:
        return [unit * time + origin for time in times]

    other = replace(sample, time=changed(sample.time), entry=sample.entry and changed(sample.entry))
    assert_same_test(sample, x, other, x)


@given(st.data(), SAMPLES, COVARIATES)
@FEW
def test_the_order_of_rows_does_not_matter(data: st.DataObject, sample: Rows, x: FloatArray) -> None:
    places = data.draw(st.permutations(range(sample.size)))
    assert_same_test(sample, x, sample.take(places), x[places])


@given(rows(group=False, stratum=None, weight=True, min_size=5), COVARIATES)
@FEW
def test_weights_are_replicated_rows(sample: Rows, x: FloatArray) -> None:
    """R's Kaplan-Meier estimate and its ranks leave weights out."""
    assert_same_test(sample, x, sample.replicated(), np.repeat(x[: sample.size], sample.weight or [], axis=0))


@pytest.mark.parametrize(("name", "block_id"), [model for model in ALL_MODELS if "zph" in cox_block(*model)])
@EVERY_KIND
def test_tests_equal_cox_zph(name: str, block_id: str, transform: TimeTransform) -> None:
    """With clusters too, R tests with the variance of the model; its km and rank leave weights out, ours do not."""
    block = cox_block(name, block_id)
    if "weights" in block["inputs"]:
        transform = "identity"
    variables = [coefficient["variable"] for coefficient in block["coefficients"]]
    terms = [[place for place, one in enumerate(variables) if one == name] for name in dict.fromkeys(variables)]
    observations, x = sample_with_covariates(name, block)
    for figures, columns in ((block["zph"], terms), (block.get("zph_by_coefficient"), None)):
        if figures is None:
            continue
        found = fitted_test(observations, x, ties=block["inputs"]["ties"], transform=transform, terms=columns)
        tests = (*found.terms, found.overall)
        for ours, theirs in (("statistic", "chisq"), ("degrees_of_freedom", "df"), ("p_value", "p_value")):
            expected = [row[theirs] for row in figures[transform]]
            assert_equal_to_r([getattr(test, ours) for test in tests], expected, rtol=1e-7)
