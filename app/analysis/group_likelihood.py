"""Cox's partial likelihood of groups, from the counts at the event times alone."""

from dataclasses import dataclass

import numpy as np

from app.analysis.arrays import FloatArray, IntArray
from app.analysis.conventions import Ties
from app.analysis.event_times import EventTimes, covariance_of_shares
from app.analysis.partial_likelihood import UNDERFLOW, PartialLikelihood
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
    scale : standard deviation of each other group's indicator, over the events, at coefficients of 0, shape [k - 1]
    """

    times: EventTimes
    step_time: IntArray
    at_risk: FloatArray
    mass: FloatArray
    scale: FloatArray

    @property
    def indicators(self) -> FloatArray:
        """Return the covariates of each group: its own indicator over its standard deviation, shape [k, k - 1]."""
        return np.vstack((np.zeros_like(self.scale), np.diag(1 / self.scale)))

    def shares(self, coefficient: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return log S0 at each step, shape [s], and the share of each group in it, shape [k, s].

        S0 is the sum of exp(x b) over those at risk.
        """
        predictor = np.concatenate(([0.0], coefficient / self.scale))
        with np.errstate(all="ignore"):  # too long a step under- or overflows: NaN, and not taken
            weighted = np.exp(predictor - predictor.max())[:, None] * self.at_risk
            total = weighted.sum(axis=0)
            total[total < UNDERFLOW] = np.nan
            return np.log(total) + predictor.max(), weighted / total

    def likelihood(self, coefficient: FloatArray, factor: FloatArray | None = None) -> PartialLikelihood:
        """Return the log partial likelihood and its derivatives; each event time counts `factor` times, shape [m]."""
        log_total, share = self.shares(coefficient)
        events, mass = self.times.events, self.mass
        if factor is not None:
            events, mass = events * factor, mass * factor[self.step_time]
        observed, expected = events.sum(axis=1), share @ mass
        return PartialLikelihood(
            float(observed[1:] @ (coefficient / self.scale) - mass @ log_total),
            (observed - expected)[1:] / self.scale,
            covariance_of_shares(share, mass)[1:, 1:] / np.multiply.outer(self.scale, self.scale),
        )


def group_steps(times: EventTimes, ties: Ties) -> GroupSteps:
    """Return the steps in which the events of groups leave, by Efron or Breslow as in `risk_sets`.

    Examples
    --------
    >>> from app.analysis.event_times import event_times
    >>> from app.analysis.observations import observe
    >>> steps = group_steps(event_times(observe([1, 1, 2], [True, True, False], group=[0, 1, 1]), 2), "efron")
    >>> steps.at_risk, steps.mass, steps.likelihood(np.zeros(1)).score * steps.scale
    (array([[0.5, 1. ],
           [1.5, 2. ]]), array([1., 1.]), array([-0.41666667]))
    """
    deaths = times.all_events
    rows = times.rows.sum(axis=0) if times.sampling else deaths
    step_time, kept, mass = leaving_steps(rows, ties)
    at_risk = times.at_risk
    if kept.size > deaths.size:
        at_risk = at_risk[:, step_time] - (1 - kept) * times.events[:, step_time]
    mass = mass * (deaths / rows)[step_time]
    share = at_risk / at_risk.sum(axis=0)
    variance = np.diag(covariance_of_shares(share, mass))[1:] / mass.sum()
    return GroupSteps(times, step_time, at_risk, mass, np.sqrt(np.where(variance > 0, variance, 1.0)))


def information_by_time(steps: GroupSteps, share: FloatArray) -> FloatArray:
    """Return the trace of the information that each event time adds, shape [m]."""
    variance = steps.scale**-2 @ (share[1:] * (1 - share[1:]))
    return sums_at(steps.step_time, steps.mass * variance)
