"""Groups compared by Cox models: hazard ratios, and the score test for rows in clusters."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from app.analysis.arrays import BoolArray, FloatArray, sum_by
from app.analysis.conventions import Ties
from app.analysis.cox import newton_maximum, robust_covariance
from app.analysis.errors import NoEstimateError
from app.analysis.event_times import EventTimes
from app.analysis.group_likelihood import GroupSteps, group_steps
from app.analysis.hypothesis_test import TOO_FEW_CLUSTERS, HypothesisTest, quadratic_form_test
from app.analysis.intervals import wald_ratio
from app.analysis.observations import Observations, strata_in_sequence
from app.analysis.partial_likelihood import PartialLikelihood, clusters_at_risk, score_residuals, score_variance
from app.analysis.risk_sets import risk_sets


@dataclass(frozen=True, slots=True)
class HazardRatio:
    """Hazard of the group with code `group` over that of `reference`; NaN where it does not exist, with the reason."""

    group: int
    reference: int
    hazard_ratio: float
    lower: float
    upper: float
    p_value: float
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class GroupModel:
    """A fitted Cox model of groups.

    Attributes
    ----------
    steps : what it is fitted to
    coefficient, standard_error : shape [p]; the latter NaN where the clusters are too few for one
    maximum : the likelihood at the coefficients
    naive : the inverse of the information there, shape [p, p]
    """

    steps: GroupSteps
    coefficient: FloatArray
    standard_error: FloatArray
    maximum: PartialLikelihood
    naive: FloatArray


@dataclass(frozen=True, slots=True)
class GroupFit:
    """The Cox model of those groups that have a hazard ratio to group 0, within strata where there are any.

    Attributes
    ----------
    codes : these groups, in the order of the coefficients; [] without a model
    reasons : of each group why it has no hazard ratio, "" for group 0 and `codes`
    model : None where no group has a hazard ratio
    """

    codes: list[int]
    reasons: list[str]
    model: GroupModel | None

    def part(self, observations: Observations) -> Observations:
        """Return the rows that the model is fitted to."""
        return observations.select(np.isin(observations.groups, [0, *self.codes]))


def fit_groups(observations: Observations, times: EventTimes, *, ties: Ties = "efron") -> GroupFit:
    """Fit the Cox model of indicators of the groups that have a hazard ratio to group 0.

    Risk sets count entry < t <= time, within strata where the sample has them. The likelihood has a maximum if and only
    if from each group a chain leads to each other of "one of this group had an event while one of the next was at
    risk". The groups that such chains join to group 0 and back are fitted; those they do not have no hazard ratio, and
    leave the others as they would in the limit: without them.

    Parameters
    ----------
    times : the event times of the sample, with its groups

    Returns
    -------
    the fit, without a model where none exists; never an exception

    Source: Ford, Am Math Mon 1957;64(8):28; Hunter, Ann Stat 2004;32:384 (the condition). Checked against aml.json.
    """
    reasons = _reasons_without_ratio(times)
    fit = GroupFit([code for code in range(1, len(reasons)) if not reasons[code]], reasons, None)
    if not fit.codes:
        return fit
    steps = group_steps(times.of([0, *fit.codes]), ties)
    try:
        coefficient, _, maximum, _ = newton_maximum(steps.mass, steps.indicators, steps.likelihood)
    except NoEstimateError:
        return GroupFit([], [reason or "the hazard ratio is too near to 0 or infinity" for reason in reasons], None)
    naive = covariance = np.linalg.inv(maximum.information)
    if observations.cluster is not None:
        sample = strata_in_sequence(fit.part(observations))
        x = group_indicators(sample, fit.codes)
        covariance = robust_covariance(sample, risk_sets(sample, ties), x, coefficient, naive)
    return replace(fit, model=GroupModel(steps, coefficient, np.sqrt(covariance.diagonal()), maximum, naive))


def hazard_ratios(fit: GroupFit, confidence_level: float = 0.95) -> list[HazardRatio]:
    """Return the hazard ratio of each of the groups 1 .. to group 0; NaN with a reason where a figure does not exist.

    Examples
    --------
    >>> from app.analysis.event_times import event_times
    >>> from app.analysis.observations import observe
    >>> sample = observe([1, 2, 3, 4], [True] * 3 + [False], group=[1, 0, 1, 2])
    >>> ratios = hazard_ratios(fit_groups(sample, event_times(sample, 3)))
    >>> [(round(ratio.hazard_ratio, 4), ratio.reason) for ratio in ratios]
    [(0.7071, None), (nan, 'the group has no events')]
    """
    nothing = (np.nan, np.nan, np.nan, np.nan)
    ratios = {code: HazardRatio(code, 0, *nothing, fit.reasons[code]) for code in range(1, len(fit.reasons))}
    if fit.model is not None:
        model = fit.model
        _, p_value, ratio, lower, upper = wald_ratio(model.coefficient, model.standard_error, confidence_level)
        for place, code in enumerate(fit.codes):
            found = [float(figure[place]) for figure in (ratio, lower, upper, p_value)]
            reason = TOO_FEW_CLUSTERS if np.isnan(p_value[place]) else None
            ratios[code] = HazardRatio(code, 0, found[0], found[1], found[2], found[3], reason)
    return list(ratios.values())


def group_indicators(observations: Observations, codes: Iterable[int]) -> FloatArray:
    """Return for each row, in columns for each of the codes, whether it is of that group: 0 or 1."""
    return np.equal.outer(observations.groups, list(codes)).astype(np.float64)


def _reasons_without_ratio(times: EventTimes) -> list[str]:
    """Return for each group why its hazard ratio to group 0 does not exist, "" where it does."""
    # At [a, b]: of group a so many had an event while one of group b was at risk.
    beaten = times.events @ (times.at_risk > 0).T
    has_events = beaten.diagonal() > 0
    np.fill_diagonal(beaten, 0.0)
    meets_others: BoolArray = np.asarray((beaten + beaten.T).any(axis=1))
    reached = _reached(beaten)
    joined = reached[0] & reached[:, 0]

    def reason(code: int) -> str:
        if not has_events[0]:
            return "the reference group has no events"
        if not has_events[code]:
            return "the group has no events"
        if not meets_others[code]:
            return "nobody of the group was at risk together with others at an event"
        if not joined[code]:
            return "monotone likelihood: while the two groups were at risk together, at most one of them had events"
        return ""

    return [reason(code) for code in range(len(joined))]


def _reached(links: FloatArray) -> BoolArray:
    """Return which groups chains of links lead to from each, shape [k, k], itself included."""
    reached = np.eye(len(links)) + links > 0
    for _ in range((len(links) - 1).bit_length()):  # each time chains of twice the length
        reached = reached.astype(np.float64) @ reached > 0
    return np.asarray(reached)


def robust_score_test(observations: Observations, groups: int, *, ties: Ties = "efron") -> HypothesisTest:
    """Test whether the groups have the same hazard where rows of a cluster depend on one another.

    U' V^- U with U the score of the group indicators at hazard ratios of 1 (observed - expected events, risk sets entry
    < t <= time, within strata where the sample has them) and V = sum over clusters of u u', u the sum of a cluster's
    score residuals. A row is a cluster of its own where the sample has none. With no more clusters than
    degrees of freedom the statistic is the number of clusters, whatever the data: NaN then.

    Parameters
    ----------
    groups : number of groups; `observations.group` holds codes below it

    Source: Lin & Wei, JASA 1989;84:1074. The score and V are checked against kidney.json and lung.json.

    Examples
    --------
    >>> from app.analysis.observations import observe
    >>> sample = observe([1, 2, 3, 4, 5], [True] * 5, group=[0, 0, 1, 0, 1], cluster=[0, 0, 1, 1, 2])
    >>> test = robust_score_test(sample, 2)
    >>> test.observed, test.expected.round(4), round(test.statistic, 4), test.degrees_of_freedom
    (array([3., 2.]), array([1.9333, 3.0667]), 1.4787, 1)
    """
    sample = strata_in_sequence(observations)
    sets = risk_sets(sample, ties)
    residuals = score_residuals(sets, group_indicators(sample, range(groups)), np.zeros(groups))
    score, variance = sample.weights @ residuals, score_variance(sample, residuals)
    observed = sum_by(sample.groups, sets.events, groups)
    test = quadratic_form_test("robust-score", score, variance, observed, observed - score)
    if 0 < clusters_at_risk(sample, sets) <= test.degrees_of_freedom:
        reason = "there are no more clusters than degrees of freedom"
        return replace(test, statistic=np.nan, degrees_of_freedom=0, p_value=np.nan, reason=reason)
    return test
