"""Risk sets of the partial likelihood: who is at risk at each event time, and how tied events leave."""

from dataclasses import dataclass
from typing import get_args

import numpy as np

from app.analysis.arrays import FloatArray, IntArray, sum_by
from app.analysis.conventions import Ties
from app.analysis.errors import InvalidParameterError
from app.analysis.observations import Observations
from app.analysis.spans import Prefixes, Spans, spans


@dataclass(frozen=True, slots=True)
class RiskSets:
    """Who is at risk at each of m event times, and the steps in which the events tied there leave.

    Attributes
    ----------
    weights : of the rows, 0 for those at risk at no event time, shape [n]
    spans : event times at which a row is at risk and does not itself have an event
    event_rows : rows that end with an event, shape [e]
    event_time : place of each of these among the event times, ascending, shape [e]
    step_time : place of each step among the event times, ascending, shape [s]
    kept : share of the tied events that is still at risk at a step, shape [s]
    mass : events that leave at a step, shape [s]
    """

    weights: FloatArray
    spans: Spans | Prefixes
    event_rows: IntArray
    event_time: IntArray
    step_time: IntArray
    kept: FloatArray
    mass: FloatArray

    @property
    def events(self) -> FloatArray:
        """Return the events that each row stands for, shape [n]."""
        events = np.zeros_like(self.weights)
        events[self.event_rows] = self.weights[self.event_rows]
        return events

    def at_risk(self, values: FloatArray) -> FloatArray:
        """Return the sums of `values` [n, q] over those at risk at each step, shape [s, q]."""
        tied = sums_at(self.event_time, _rows(values, self.event_rows))
        others = self.spans.over_rows(values, tied.shape[0])
        return np.asarray(_rows(others, self.step_time) + self.kept[:, None] * _rows(tied, self.step_time))

    def accrued(self, values: FloatArray) -> FloatArray:
        """Return for each row the sums of `values` [s, q] over the steps at which it is at risk, shape [n, q]."""
        accrued = self.spans.over_places(sums_at(self.step_time, values))
        accrued[self.event_rows] += sums_at(self.step_time, self.kept[:, None] * values)[self.event_time]
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
    (event_rows,) = np.nonzero(observations.event)
    times, event_time = np.unique(observations.time[event_rows], return_inverse=True)
    leaves = np.searchsorted(times, observations.time, side="right")
    enters = np.zeros_like(leaves)
    if observations.entry is not None:
        enters = np.searchsorted(times, observations.entry, side="right")
    deaths = sum_by(event_time, observations.weights[event_rows])
    rows = sum_by(event_time, np.ones(event_time.size)) if observations.sampling else deaths
    step_time, kept, mass = (
        (np.arange(times.size), np.ones(times.size), rows) if ties == "breslow" else _efron_steps(rows)
    )
    return RiskSets(
        np.where(leaves > enters, observations.weights, 0.0),
        spans(enters, leaves - observations.event),
        event_rows,
        event_time,
        step_time,
        kept,
        mass * (deaths / rows)[step_time],
    )


def _efron_steps(deaths: FloatArray, exact: int = 16) -> tuple[IntArray, FloatArray, FloatArray]:
    """Return event time, kept share and mass of Efron's steps: the last `exact` at each time one by one.

    Before these, 16 .. 31, 32 .. 63, .. steps from the last are summed by Gauss's rule: what is summed is smooth there.
    """
    steps = np.ceil(deaths)
    alone = np.minimum(steps, exact).astype(np.int64)
    from_last = np.arange(alone.sum()) - np.repeat(np.cumsum(alone) - alone, alone)
    parts: list[tuple[FloatArray, ...]] = [(np.repeat(np.arange(deaths.size), alone), from_last, np.ones(alone.sum()))]
    first = exact
    while (steps > first).any():
        crowded = np.flatnonzero(steps > first)
        nodes, mass = _discrete_gauss(np.minimum(steps[crowded], 2 * first) - first)
        parts.append((np.repeat(crowded, nodes.shape[1]), first + nodes.ravel(), mass.ravel()))
        first *= 2
    time, from_last, mass = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(time, kind="stable")
    time, from_last, mass = time[order], from_last[order], mass[order]
    missing = (steps - deaths)[time]
    return time, (from_last + 1 - missing) / deaths[time], np.where(from_last == 0, 1 - missing, mass)


def _discrete_gauss(length: FloatArray, order: int = 12) -> tuple[FloatArray, FloatArray]:
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
    """Return the sums of the rows of `values` [r, q] at each place; `position` is ascending, without gaps."""
    if position.size and position[-1] == position.size - 1:
        return values
    return np.add.reduceat(values.T, np.flatnonzero(np.diff(position, prepend=-1)), axis=-1).T


def _rows(values: FloatArray, rows: IntArray) -> FloatArray:
    """Return some rows, column by column in memory: what follows goes through the columns one by one."""
    return np.take(values.T, rows, axis=1).T
