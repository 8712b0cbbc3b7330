"""Cox's partial likelihood of groups, from the counts at the event times alone."""

from dataclasses import dataclass

import numpy as np

from app.analysis.arrays import FloatArray, IntArray
from app.analysis.conventions import Ties
from app.analysis.event_times import EventTimes, covariance_of_shares
from app.analysis.partial_likelihood import UNDERFLOW, PartialLikelihood, near_parts
from app.analysis.risk_sets import leaving_steps, sums_at


@dataclass(frozen=True, slots=True)
class GroupSteps:
    """Who is at risk in the steps in which the events of k groups leave; the first group is the reference.

    Attributes
    ----------
    times : event times, shape [m]; no group is in it that is not in the model
    step_time : place of each step among the event times, ascending, shape [s]
    at_risk : of each group at each step, tied events by the share that is still at risk, shape [k, s]
    mass : events that leave at a step, shape [s]
    """

    times: EventTimes
    step_time: IntArray
    at_risk: FloatArray
    mass: FloatArray

    @property
    def indicators(self) -> FloatArray:
        """Return the covariates of each group: the indicators of all but the reference, shape [k, k - 1]."""
        return np.eye(len(self.at_risk))[:, 1:]

    def likelihood(self, coefficient: FloatArray, factor: FloatArray | None = None) -> PartialLikelihood:
        """Return the log partial likelihood and its derivatives; each event time counts `factor` times, shape [m]."""
        observed = self.times.events.sum(axis=1) if factor is None else self.times.events @ factor
        mass = self.mass if factor is None else self.mass * factor[self.step_time]
        log_likelihood = float(observed[1:] @ coefficient)
        expected, covariance = np.zeros(observed.size), np.zeros((observed.size, observed.size))
        for part in near_parts(mass.size, observed.size):
            log_total, share = self.shares(coefficient, part)
            log_likelihood -= float(mass[part] @ log_total)
            expected += share @ mass[part]
            covariance += covariance_of_shares(share, mass[part])
        return PartialLikelihood(log_likelihood, (observed - expected)[1:], covariance[1:, 1:])

    def shares(self, coefficient: FloatArray, part: slice) -> tuple[FloatArray, FloatArray]:
        """Return of some steps log S0, S0 the sum of exp(x b) over those at risk [s], and the groups' shares [k, s]."""
        predictor = np.concatenate(([0.0], coefficient))
        largest = predictor.max()
        with np.errstate(all="ignore"):  # too long a step under- or overflows: NaN, and not taken
            share = np.exp(predictor - largest)[:, None] * self.at_risk[:, part]
            total = share.sum(axis=0)
            if not total.min() >= UNDERFLOW:
                total[total < UNDERFLOW] = np.nan
            share /= total
            return np.log(total) + largest, share

    def information_by_time(self, coefficient: FloatArray) -> FloatArray:
        """Return the trace of the information that each event time adds, shape [m]."""
        variance = np.empty_like(self.mass)
        for part in near_parts(self.mass.size, len(self.at_risk)):
            others = self.shares(coefficient, part)[1][1:]
            variance[part] = (others * (1 - others)).sum(axis=0)
        return sums_at(self.step_time, self.mass * variance)


def group_steps(times: EventTimes, ties: Ties) -> GroupSteps:
    """Return the steps in which the events of groups leave, by Efron or Breslow as in `risk_sets`.

    Examples
    --------
    >>> from app.analysis.event_times import event_times
    >>> from app.analysis.observations import observe
    >>> steps = group_steps(event_times(observe([1, 1, 2], [True, True, False], group=[0, 1, 1]), 2), "efron")
    >>> steps.at_risk, steps.mass, steps.likelihood(np.zeros(1)).score
    (array([[0.5, 1. ],
           [1.5, 2. ]]), array([1., 1.]), array([-0.41666667]))
    """
    deaths = times.all_events
    rows = times.rows.sum(axis=0) if times.sampling else deaths
    at_risk = times.at_risk
    step_time, kept, mass = leaving_steps(rows, ties, np.all(at_risk >= 2 * times.events, axis=0))
    if kept.size > deaths.size:
        # `take` and not an index, which would lay the groups of a step side by side: sums go along the steps.
        at_risk = at_risk.take(step_time, axis=1) - (1 - kept) * times.events.take(step_time, axis=1)
    return GroupSteps(times, step_time, at_risk, mass * (deaths / rows)[step_time] if times.sampling else mass)
