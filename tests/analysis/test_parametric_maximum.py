"""The maximum of parametric likelihoods: where there is but one, where several, and where lifelines leads to it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analysis import parametric_maximum
from app.analysis.arrays import FloatArray
from app.analysis.observations import observe
from app.analysis.parametric import NOT_CONVERGED, parametric_regression
from app.analysis.parametric_families import Distribution
from app.analysis.parametric_likelihood import LogTimes, log_likelihood, log_times
from app.analysis.parametric_maximum import NESTED, has_one_maximum, highest_maximum
from tests.analysis.parametric_samples import DISTRIBUTIONS, aligned
from tests.strategies import Rows, rows

USUAL = pytest.mark.parametrize("distribution", DISTRIBUTIONS[:4])
#: Log-logistic times with late entries, whose likelihood has another maximum on either side of the highest.
SEVERAL = aligned(
    [6, 7, 4, 7, 6, 7, 6, 7, 7, 6, 5, 3],
    [1, 1, 1, 0, 1, 0, 1, 0, 1, 0, 0, 0],
    [[0, 3], [1, 1], [2, 2], [1, 1], [0, 1], [1, 0], [3, 1], [2, 3], [1, 0], [3, 3], [2, 2], [2, 2]],
    entry=[4, 5, 0, 3, 4, 5, 4, 4, 5, 0, 3, 0],
)
#: And those whose maximum Newton's method misses alone.
MISSED = aligned(
    [6, 6, 7, 4, 2, 8, 1, 7],
    [1, 1, 1, 1, 1, 0, 1, 0],
    [[1, 2], [3, 0], [0, 2], [3, 1], [3, 2], [2, 3], [0, 3], [0, 3]],
    entry=[5, 3, 5, 3, 0, 5, 0, 4],
)


def standardised(covariates: FloatArray) -> FloatArray:
    return np.asarray((covariates - covariates.mean(axis=0)) / covariates.std(axis=0))


def without_lifelines(patch: pytest.MonkeyPatch, start: FloatArray | None = None) -> None:
    patch.setattr(parametric_maximum, "lifelines_fit", lambda *_: start)


def at(data: LogTimes, distribution: Distribution, over_scale: FloatArray) -> float:
    """Return the log-likelihood at coefficients / scale, and last 1 / scale."""
    scale = 1 / over_scale[-1]
    others = [] if distribution == "exponential" else [np.log(scale)]
    return log_likelihood(data, distribution, np.array([*over_scale[:-1] * scale, *others]))


@st.composite
def pairs(draw: st.DrawFn, *, entry: bool) -> tuple[Rows, FloatArray, FloatArray]:
    """Draw a sample with events, and two places of intercept and slope / scale, and 1 / scale, not too far out."""
    sample = draw(rows(min_size=3, max_size=8, group=False, cluster=False, entry=entry))
    place = st.tuples(st.floats(-3, 3), st.floats(-1, 1), st.floats(0.1, 4)).map(np.array)
    return sample, draw(place), draw(place)


@USUAL
@given(pairs(entry=False))
@settings(deadline=None, max_examples=60)
def test_without_late_entries_the_likelihood_is_log_concave(
    distribution: Distribution, drawn: tuple[Rows, FloatArray, FloatArray]
) -> None:
    assert_concave(distribution, drawn)


@given(pairs(entry=True))
@settings(deadline=None, max_examples=60)
def test_of_exponential_times_it_is_with_late_entries_too(drawn: tuple[Rows, FloatArray, FloatArray]) -> None:
    assert_concave("exponential", drawn)


def assert_concave(distribution: Distribution, drawn: tuple[Rows, FloatArray, FloatArray]) -> None:
    """Assert that the log-likelihood between two places is at least the mean of theirs."""
    sample, first, second = drawn
    assert has_one_maximum(distribution, late=sample.entry is not None)
    if distribution == "exponential":
        first[-1] = second[-1] = 1
    columns = sample.columns()
    time = [time + 1 for time in columns.pop("time")]
    data = log_times(*aligned(time, columns.pop("cause"), np.arange(len(time)) % 3, **columns))
    ends = [at(data, distribution, place) for place in (first, second)]
    between = at(data, distribution, (first + second) / 2)
    assert between >= np.mean(ends) - 1e-9 * (1 + np.abs(ends).max())


def test_late_entries_and_a_shape_may_give_more_maxima() -> None:
    late = [name for name in DISTRIBUTIONS if not has_one_maximum(name, late=True)]
    assert late == ["weibull", "log-normal", "log-logistic", "generalized-gamma"]
    assert [name for name in DISTRIBUTIONS if not has_one_maximum(name, late=False)] == ["generalized-gamma"]


def test_of_several_maxima_the_highest_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    sample, x = SEVERAL
    found = []
    for start in (None, np.array([-3.0, 1.0, 3.0, -0.7]), np.array([1.9, 0.0, 0.0, -2.0])):
        without_lifelines(monkeypatch, start)
        found.append(parametric_regression(sample, x, "log-logistic").log_likelihood)
    assert found == pytest.approx([-12.578408] * 3, abs=1e-6)


def test_lifelines_leads_to_a_maximum_that_newton_misses_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    sample, x = MISSED
    model = parametric_regression(sample, x, "log-logistic")
    assert model.log_likelihood == pytest.approx(-10.518815, abs=1e-6)
    without_lifelines(monkeypatch)
    assert parametric_regression(sample, x, "log-logistic").reason == NOT_CONVERGED


@USUAL
def test_where_there_is_one_maximum_lifelines_is_not_asked(
    distribution: Distribution, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(parametric_maximum, "lifelines_fit")
    assert parametric_regression(*aligned([1, 2, 4, 7], [1, 1, 0, 1], [0, 1, 0, 1]), distribution).converged


def test_the_generalized_gamma_is_at_least_as_likely_as_its_special_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    without_lifelines(monkeypatch)
    generator = np.random.default_rng(1)
    for _ in range(10):
        time, event = np.exp(generator.normal(size=25)), generator.random(25) < 0.7
        sample, x = aligned(time, event, generator.normal(size=25))
        special = [highest_maximum(sample, standardised(x), name) for name, _ in NESTED]
        general = highest_maximum(sample, standardised(x), "generalized-gamma")
        assert None not in (*special, general)
        for one in special:
            assert general.log_likelihood >= one.log_likelihood - 1e-9  # type: ignore[union-attr]


def test_a_start_without_a_likelihood_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    without_lifelines(monkeypatch)
    expected = parametric_regression(*SEVERAL, "weibull")
    without_lifelines(monkeypatch, np.array([-1e9, 0.0, 0.0, 0.0]))
    np.testing.assert_array_equal(parametric_regression(*SEVERAL, "weibull").parameters, expected.parameters)


@pytest.mark.parametrize(("limit", "value"), [("MAX_HALVINGS", 0), ("MAX_ITERATIONS", 1)])
def test_what_climbs_nowhere_or_takes_too_many_steps_is_given_up(
    limit: str, value: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parametric_maximum, limit, value)
    sample = observe([1, 2, 4], [1, 1, 1])
    assert parametric_regression(sample, np.empty((3, 0)), "weibull").reason == NOT_CONVERGED


def test_a_shape_that_runs_away_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pareto times are generalized gamma times of shape -infinity."""
    without_lifelines(monkeypatch)
    sample = observe((1 - (np.arange(60) + 0.5) / 60) ** -0.7, [1] * 60)
    assert highest_maximum(sample, np.empty((60, 0)), "generalized-gamma") is None


def test_a_sample_without_special_cases_has_no_generalized_gamma(monkeypatch: pytest.MonkeyPatch) -> None:
    without_lifelines(monkeypatch)
    assert highest_maximum(observe([3, 3], [1, 1]), np.empty((1, 0)), "generalized-gamma") is None
