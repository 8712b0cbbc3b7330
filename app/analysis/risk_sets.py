"""Risk sets of the partial likelihood: who is at risk at each event time, and how tied events leave."""

from dataclasses import dataclass
from typing import get_args

import numpy as np

from app.analysis.arrays import BoolArray, FloatArray, IntArray, sum_by
from app.analysis.conventions import Ties
from app.analysis.errors import InvalidParameterError
from app.analysis.observations import Observations
from app.analysis.spans import Prefixes, Spans, spans

#: Of the steps of a crowd of events, those that are taken one by one, and the points that stand for many others.
ALONE, GAUSS = 16, 12


@dataclass(frozen=True, slots=True)
class RiskSets:
    """Who is at risk at each of m event times, and the steps in which the events tied there leave.

    Attributes
    ----------
    weights : of the rows, 0 for those at risk at no event time, shape [n]
    events : that the rows stand for, shape [n]
    spans : event times at which a row is at risk; but for its own event, where events leave in several steps
    event_rows : rows that end with an event, shape [e]
    event_time : place of each of these among the event times, ascending, shape [e]
    step_time : place of each step among the event times, ascending, shape [s]
    kept : share of the tied events that is still at risk at a step, shape [s]
    mass : events that leave at a step, shape [s]
    """

    weights: FloatArray
    events: FloatArray
    spans: Spans | Prefixes
    event_rows: IntArray
    event_time: IntArray
    step_time: IntArray
    kept: FloatArray
    mass: FloatArray

    def at_risk(self, values: FloatArray) -> FloatArray:
        """Return the sums of `values` [.., n] over those at risk at each step, shape [.., s]."""
        at_time = self.spans.over_rows(values)
        if _without_ties(self.step_time):
            return at_time
        tied = sums_at(self.event_time, values[..., self.event_rows])
        others, leaving = (sums.take(self.step_time, axis=-1) for sums in (at_time, tied))
        return np.asarray(others + self.kept * leaving)

    def accrued(self, values: FloatArray) -> FloatArray:
        """Return for each row the sums of `values` [.., s] over the steps at which it is at risk, shape [.., n]."""
        accrued = self.spans.over_places(sums_at(self.step_time, values))
        if not _without_ties(self.step_time):
            leaving = sums_at(self.step_time, self.kept * values)
            accrued[..., self.event_rows] += leaving.take(self.event_time, axis=-1)
        return accrued


def risk_sets(observations: Observations, ties: Ties) -> RiskSets:
    """Return the risk sets of the event times: entry < t <= time.

    With d events at t (the sum of their weights), Breslow lets them leave in one step at which all are still at risk;
    Efron in d steps, k = 0 .. d - 1, at which each is at risk with weight 1 - k / d. Crowds of events leave in fewer
    steps of more mass, which give the same sums. A fraction of an event leaves in a last step of that mass. With
    sampling weights each of the d tied rows is one event: d steps, each of their mean weight.

    Examples
    --------
    >>> from app.analysis.observations import observe
    >>> sets = risk_sets(observe([1, 1, 2, 3], [True, True, True, False], group=[0, 1, 2, 3]), "efron")
    >>> sets.event_time, sets.step_time, sets.kept, sets.mass
    (array([0, 0, 1]), array([0, 0, 1]), array([0.5, 1. , 1. ]), array([1., 1., 1.]))
    """
    if ties not in get_args(Ties):
        raise InvalidParameterError(f"ties are handled by one of {', '.join(get_args(Ties))}")
    weights = observations.weights
    event_rows = np.flatnonzero(observations.event)
    event_times = observations.time[event_rows]
    is_new = np.concatenate((event_times[:1] >= 0, event_times[1:] > event_times[:-1]))
    times, event_time = event_times[is_new], np.cumsum(is_new) - 1
    leaves = np.cumsum(np.bincount(event_rows[is_new], minlength=observations.size))  # events come before censorings
    enters = np.zeros_like(leaves)
    if observations.entry is not None:
        enters = np.searchsorted(times, observations.entry, side="right")
    deaths = sum_by(event_time, weights[event_rows])
    rows = sum_by(event_time, np.ones(event_time.size)) if observations.sampling else deaths
    step_time, kept, mass = leaving_steps(rows, ties)
    return RiskSets(
        np.where(leaves > enters, weights, 0.0),
        weights * observations.event,
        spans(enters, leaves if step_time.size == times.size else leaves - observations.event, times.size),
        event_rows,
        event_time,
        step_time,
        kept,
        mass * (deaths / rows)[step_time],
    )


def leaving_steps(
    deaths: FloatArray, ties: Ties, smooth: BoolArray | None = None
) -> tuple[IntArray, FloatArray, FloatArray]:
    """Return event time, kept share and mass of the steps: of Efron's the last 16 at each time one by one.

    Before these, 16 .. 31, 32 .. 63, .. steps from the last are summed by Gauss's rule: what is summed is smooth there.
    At times that are `smooth`, the rule sums all steps at once: of each kind of rows as many stay as leave, so that
    whatever their risks the error is below 1e-15.
    """
    if ties == "breslow" or (deaths <= 1).all():
        return np.arange(deaths.size), np.ones(deaths.size), deaths
    steps = np.ceil(deaths)
    at_once = np.zeros(steps.size, dtype=np.bool_) if smooth is None else smooth & (steps > GAUSS) & (steps == deaths)
    exact = np.where(at_once, 0, ALONE)
    alone = np.minimum(steps, exact).astype(np.int64)
    from_last = np.arange(alone.sum()) - np.repeat(np.cumsum(alone) - alone, alone)
    parts: list[tuple[FloatArray, ...]] = [(np.repeat(np.arange(deaths.size), alone), from_last, np.ones(alone.sum()))]
    first, last = exact, np.where(at_once, steps, 2 * exact)
    while (steps > first).any():
        crowded = np.flatnonzero(steps > first)
        lengths, place = np.unique((np.minimum(steps, last) - first)[crowded], return_inverse=True)
        nodes, mass = (rule[place] for rule in _discrete_gauss(lengths))
        parts.append((np.repeat(crowded, GAUSS), (first[crowded, None] + nodes).ravel(), mass.ravel()))
        first, last = last, 2 * last
    time, from_last, mass = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(time, kind="stable")
    time, from_last, mass = time[order], from_last[order], mass[order]
    missing = (steps - deaths)[time]
    return time, (from_last + 1 - missing) / deaths[time], np.where(from_last == 0, 1 - missing, mass)


def _discrete_gauss(length: FloatArray, order: int = GAUSS) -> tuple[FloatArray, FloatArray]:
    """Return nodes and masses, shape [c, order], whose sum is that over 0 .. length - 1 for smooth functions.

    They are the eigenvalues of the Jacobi matrix of the discrete Chebyshev polynomials (Golub & Welsch, Math Comput
    1969;23:221), whose off-diagonal elements squared are i^2 (N^2 - i^2) / (4 (4 i^2 - 1)).
    """
    i, n = np.arange(1, order), length[:, None]
    jacobi = np.zeros((length.size, order, order))
    jacobi[:, i, i - 1] = np.sqrt(i**2 * np.maximum(n**2 - i**2, 0) / (4 * (4 * i**2 - 1)))
    values, vectors = np.linalg.eigh(jacobi)
    return (n - 1) / 2 + values, n * vectors[:, 0, :] ** 2


def sums_at(position: IntArray, values: FloatArray) -> FloatArray:
    """Return the sums of `values` [.., r] at each place; `position` is ascending, without gaps."""
    if _without_ties(position):
        return values
    return np.add.reduceat(values, np.flatnonzero(np.diff(position, prepend=-1)), axis=-1)


def _without_ties(position: IntArray) -> bool:
    """Return whether ascending positions without gaps are 0, 1, 2, .."""
    return position.size == 0 or bool(position[-1] == position.size - 1)
