"""Cox regression: the partial likelihood, its maximum, and the comparison of groups by it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from scipy.sparse.csgraph import connected_components
from scipy.special import ndtr

from app.analysis.arrays import BoolArray, FloatArray, IntArray, sum_by
from app.analysis.errors import InvalidObservationsError, InvalidParameterError, NoEstimateError
from app.analysis.hypothesis_test import HypothesisTest, quadratic_form_test
from app.analysis.intervals import normal_quantile
from app.analysis.observations import Observations

Ties = Literal["efron", "breslow"]

#: Sums of relative risks below this, when the largest risk is 1, have lost their digits, or soon will.
UNDERFLOW = 1e-290


@dataclass(frozen=True, slots=True)
class RiskSets:
    """Who is at risk at each of m event times, and the steps in which the events tied there leave.

    Attributes
    ----------
    weights : of the rows, 0 for those at risk at no event time, shape [n]
    enters, leaves : a row is at risk at the event times enters .. leaves - 1, shape [n]
    event_rows : rows that end with an event, shape [e]
    event_time : place of each of these among the event times, ascending, shape [e]
    step_time : place of each step among the event times, ascending, shape [s]
    kept : share of the tied events that is still at risk at a step, shape [s]
    mass : events that leave at a step, shape [s]
    """

    weights: FloatArray
    enters: IntArray
    leaves: IntArray
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
        """Return the sums of `values` [n, q] over those at risk at each event time, shape [m, q]."""
        size = int(self.leaves.max()) + 1
        change = [np.bincount(self.leaves, v, size) - np.bincount(self.enters, v, size) for v in values.T]
        return np.cumsum(np.column_stack(change)[::-1], axis=0)[::-1][1:]

    def at_risk_in_steps(self, values: FloatArray) -> FloatArray:
        """Return the sums of `values` [n, q] over those at risk at each step, shape [s, q]."""
        tied = _sums(self.event_time, values[self.event_rows])
        others = self.at_risk(values) - tied
        return np.asarray(others[self.step_time] + self.kept[:, None] * tied[self.step_time])

    def accrued(self, values: FloatArray) -> FloatArray:
        """Return for each row the sums of `values` [s, q] over the steps at which it is at risk, shape [n, q]."""
        total = np.cumsum(_sums(self.step_time, values), axis=0)
        total = np.concatenate((np.zeros((1, values.shape[1])), total))
        accrued = total[self.leaves] - total[self.enters]
        accrued[self.event_rows] -= _sums(self.step_time, (1 - self.kept[:, None]) * values)[self.event_time]
        return np.asarray(accrued)


@dataclass(frozen=True, slots=True)
class PartialLikelihood:
    """The log partial likelihood at some coefficients, its gradient [p], and minus its second derivatives [p, p]."""

    log_likelihood: float
    score: FloatArray
    information: FloatArray


def risk_sets(observations: Observations, ties: Ties) -> RiskSets:
    """Return the risk sets of the event times: entry < t <= time.

    With d events at t (the sum of their weights), Breslow lets them leave in one step at which all are still at risk;
    Efron in d steps, k = 0 .. d - 1, at which each is at risk with weight 1 - k / d. Crowds of events leave in fewer
    steps of more mass, which give the same sums. A fraction of an event leaves in a last step of that mass.

    Examples
    --------
    >>> from app.analysis.observations import observe
    >>> sets = risk_sets(observe([1, 1, 2, 3], [True, True, True, False]), "efron")
    >>> sets.leaves, sets.step_time, sets.kept, sets.mass
    (array([1, 1, 2, 2]), array([0, 0, 1]), array([0.5, 1. , 1. ]), array([1., 1., 1.]))
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
    one_step = np.arange(times.size), np.ones(times.size), deaths
    return RiskSets(
        np.where(leaves > enters, observations.weights, 0.0),
        enters,
        leaves,
        event_rows,
        event_time,
        *(one_step if ties == "breslow" else _efron_steps(deaths)),
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


def _sums(position: IntArray, values: FloatArray) -> FloatArray:
    """Return the sums of the rows of `values` [r, q] at each place; `position` is ascending, without gaps."""
    return np.asarray(np.add.reduceat(values, np.flatnonzero(np.diff(position, prepend=-1)), axis=0))


def _relative_risks(sets: RiskSets, covariates: FloatArray, coefficient: FloatArray) -> tuple[FloatArray, ...]:
    """Return x b - max(x b) and its exponential, and at each step their sum over those at risk and their mean x."""
    with np.errstate(all="ignore"):  # too long a step under- or overflows: NaN, and not taken
        predictor = covariates @ coefficient
        predictor -= predictor.max()
        risk = np.exp(predictor)
        weighted = (sets.weights * risk)[:, None]
        total = sets.at_risk_in_steps(np.column_stack((weighted, weighted * covariates)))
        total[total[:, 0] < UNDERFLOW] = np.nan
        return predictor, risk, total[:, 0], total[:, 1:] / total[:, :1]


def partial_likelihood(sets: RiskSets, covariates: FloatArray, coefficient: FloatArray) -> PartialLikelihood:
    """Return the log partial likelihood and its derivatives at some coefficients, in O(n p^2).

    log L = sum over events x b - sum over steps log S0, where S0 = sum over those at risk of exp(x b). With the events
    e that a row is expected to have (exp(x b) times the 1 / S0 of its steps): score = sum x (event - e), and
    information = sum e x x' - sum over steps of xbar xbar', where xbar is the mean of x at risk weighted by exp(x b).

    Source: Efron, JASA 1977;72:557; Breslow, Biometrics 1974;30:89.

    Examples
    --------
    >>> from app.analysis.observations import observe
    >>> sets = risk_sets(observe([1, 2, 3], [True, True, False]), "efron")
    >>> at = partial_likelihood(sets, np.array([[1.0], [0.0], [0.0]]), np.zeros(1))
    >>> round(at.log_likelihood, 4), at.score.round(4), at.information.round(4)
    (-1.7918, array([0.6667]), array([[0.2222]]))
    """
    predictor, risk, total, mean = _relative_risks(sets, covariates, coefficient)
    with np.errstate(all="ignore"):
        expected = sets.weights * risk * sets.accrued((sets.mass / total)[:, None])[:, 0]
        return PartialLikelihood(
            float(sets.events @ predictor - sets.mass @ np.log(total)),
            (sets.events - expected) @ covariates,
            covariates.T @ (expected[:, None] * covariates) - mean.T @ (sets.mass[:, None] * mean),
        )


def score_residuals(sets: RiskSets, covariates: FloatArray, coefficient: FloatArray) -> FloatArray:
    """Return what one subject of each row adds to the score, shape [n, p]; times the weights they sum to the score.

    event (x - xbar) - sum over the steps at risk of exp(x b) (x - xbar) / S0; an event tied with others has the mean
    xbar of their steps, and is at risk at each with the weight that it keeps.

    Source: Lin & Wei, JASA 1989;84:1074. Checked against kidney.json and lung.json (clustered standard errors).

    Examples
    --------
    >>> from app.analysis.observations import observe
    >>> sets = risk_sets(observe([1, 2, 3], [True, True, False]), "efron")
    >>> score_residuals(sets, np.array([[1.0], [0.0], [0.0]]), np.zeros(1)).round(4)
    array([[0.4444],
           [0.1111],
           [0.1111]])
    """
    _, risk, total, mean = _relative_risks(sets, covariates, coefficient)
    hazard, mass = (sets.mass / total)[:, None], sets.mass[:, None]
    residual = -risk[:, None] * (covariates * sets.accrued(hazard) - sets.accrued(hazard * mean))
    tied_mean = _sums(sets.step_time, mass * mean) / _sums(sets.step_time, mass)
    residual[sets.event_rows] += covariates[sets.event_rows] - tied_mean[sets.event_time]
    return residual


#: A likelihood that has a maximum is there in about log(n) steps; one that has none gains a factor e a step forever.
MAX_ITERATIONS = 20
#: No linear predictor moves by more than this in the last step, so the next would move it by about the square.
LAST_STEP = 1e-7


@dataclass(frozen=True, slots=True)
class CoxModel:
    """A fitted model; all arrays have shape [p], the order of the covariates.

    Attributes
    ----------
    coefficient : log hazard ratio of one unit of the covariate
    standard_error : robust where the sample has clusters; NaN if these are too few for one
    z, p_value : Wald test of a coefficient of 0; NaN where the standard error is
    hazard_ratio, lower, upper : exp(coefficient), exp(coefficient -+ quantile standard_error)
    log_likelihood, null_log_likelihood : partial, at the coefficients and at 0
    iterations : Newton steps
    """

    coefficient: FloatArray
    standard_error: FloatArray
    z: FloatArray
    p_value: FloatArray
    hazard_ratio: FloatArray
    lower: FloatArray
    upper: FloatArray
    log_likelihood: float
    null_log_likelihood: float
    iterations: int


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


def cox_regression(
    observations: Observations, covariates: FloatArray, *, ties: Ties = "efron", confidence_level: float = 0.95
) -> CoxModel:
    """Estimate log hazard ratios: the maximum of the partial likelihood by Newton's method with step halving.

    Hazard of a row: h0(t) exp(x b); risk sets count entry < t <= time; a row of weight w is w rows, with either
    handling of ties. Where the sample has clusters the variance is I^-1 (sum u u') I^-1, u the score residuals summed
    within a cluster, else I^-1.

    Parameters
    ----------
    covariates : finite, shape [n, p]; rows in the order of the sorted rows of `observations`

    Raises
    ------
    InvalidObservationsError
        If the covariates do not have that shape, or are not finite.
    NoEstimateError
        If the model does not exist: no events, covariates that do not vary (or only together) among those at risk at
        the events, or a monotone likelihood. The message has their columns, counted from 0.

    Source: Cox, JRSS B 1972;34:187; Efron, JASA 1977;72:557; Lin & Wei, JASA 1989;84:1074. Checked against the `cox`
    blocks of aml.json, lung.json, veteran.json, ovarian.json, kidney.json, melanoma.json.

    Examples
    --------
    The first of three at risk dies with x = 1, the second of two with x = 0: L = r / (2 r + 1) / (r + 1).

    >>> from app.analysis.observations import observe
    >>> model = cox_regression(observe([1, 2, 3], [True, True, False]), np.array([[1.0], [0.0], [1.0]]))
    >>> model.hazard_ratio.round(4), round(model.log_likelihood, 4)
    (array([0.7071]), -1.7627)
    """
    quantile = normal_quantile(confidence_level)
    sets = risk_sets(observations, ties)
    x, scale = _standardised(sets, covariates)
    scaled, null, maximum, iterations = _maximum(sets, x)
    coefficient = scaled / scale
    standard_error = _standard_error(observations, sets, x, scaled, maximum.information) / scale
    z = coefficient / standard_error
    with np.errstate(over="ignore"):
        ratio, width = np.exp(coefficient), quantile * standard_error
        lower, upper = np.exp(coefficient - width), np.exp(coefficient + width)
    likelihoods = maximum.log_likelihood, null.log_likelihood
    return CoxModel(coefficient, standard_error, z, 2 * ndtr(-np.abs(z)), ratio, lower, upper, *likelihoods, iterations)


def _standardised(sets: RiskSets, covariates: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the covariates less their mean over their standard deviation, among the rows that count, and the latter.

    0 stands for covariates that do not vary, and in rows that are at risk at no event.
    """
    x = np.asarray(covariates, dtype=np.float64)
    if x.ndim != 2 or x.shape[0] != sets.weights.size or x.shape[1] == 0 or not np.isfinite(x).all():
        raise InvalidObservationsError("covariates are finite: one or more columns, a row for each row of the sample")
    counts = sets.weights > 0
    if not counts.any():
        raise NoEstimateError("there are no events")
    mean, scale = x[counts].mean(axis=0), x[counts].std(axis=0)
    varies = scale > 1e-12 * np.abs(x[counts]).max(axis=0)
    scale = np.where(varies, scale, 1.0)
    return np.where(counts[:, None] & varies, (x - mean) / scale, 0.0), scale


def _maximum(sets: RiskSets, x: FloatArray) -> tuple[FloatArray, PartialLikelihood, PartialLikelihood, int]:
    """Return the coefficients of standardised covariates, the likelihood at 0 and at these, and the Newton steps."""
    coefficient: FloatArray = np.zeros(x.shape[1])
    null = current = partial_likelihood(sets, x, coefficient)
    problem = "do not vary, or not apart from one another, among those at risk at the events"
    for iteration in range(1, MAX_ITERATIONS + 1):
        values, vectors = np.linalg.eigh(current.information)
        if values[0] <= 1e-11 * sets.mass.sum():
            raise _no_maximum(vectors[:, 0], problem)
        step = vectors @ (vectors.T @ current.score / values)
        is_last = np.abs(x @ step).max() <= LAST_STEP
        coefficient, current = _ascent(sets, x, coefficient, step, current.log_likelihood)
        if is_last:
            return coefficient, null, current, iteration
        problem = "have a monotone likelihood, or one whose maximum is out of reach"
    raise _no_maximum(step, problem)


def _ascent(
    sets: RiskSets, x: FloatArray, start: FloatArray, step: FloatArray, log_likelihood: float
) -> tuple[FloatArray, PartialLikelihood]:
    """Return the end of the step and the likelihood there, after as many halvings as it takes not to descend."""
    least = log_likelihood - 1e-12 * (1 + abs(log_likelihood))
    while True:
        end = partial_likelihood(sets, x, start + step)
        if end.log_likelihood >= least:
            return start + step, end
        step = step / 2


def _no_maximum(direction: FloatArray, problem: str) -> NoEstimateError:
    columns = np.flatnonzero(np.abs(direction) > 1e-3 * np.abs(direction).max())
    return NoEstimateError(f"the covariates in columns {', '.join(map(str, columns))} {problem}")


def _standard_error(
    observations: Observations, sets: RiskSets, x: FloatArray, coefficient: FloatArray, information: FloatArray
) -> FloatArray:
    inverse = np.linalg.inv(information)
    if observations.cluster is None:
        return np.sqrt(np.diag(inverse))
    robust = inverse @ _score_variance(observations, score_residuals(sets, x, coefficient)) @ inverse
    # The residuals sum to 0: with no more clusters than coefficients some combination of these has no variance at all.
    exists = (np.diag(robust) > 1e-12 * np.diag(inverse)) & (_clusters(observations, sets) > coefficient.size)
    return np.sqrt(np.where(exists, np.diag(robust), np.nan))


def _clusters(observations: Observations, sets: RiskSets) -> float:
    """Return the number of clusters, or without these of subjects, that are at risk at an event."""
    if observations.cluster is None:
        return float(sets.weights.sum())
    return float(np.unique(observations.cluster[sets.weights > 0]).size)


def _score_variance(observations: Observations, residuals: FloatArray) -> FloatArray:
    """Return the sum over clusters of u u', u being the sum of a cluster's residuals, shape [p, p]."""
    if observations.cluster is None:
        sums = (np.sqrt(observations.weights) * residuals.T).T  # a row of weight w is w clusters
    else:
        sums = np.array([sum_by(observations.cluster, column) for column in (observations.weights * residuals.T)]).T
    sums[np.abs(sums) <= 1e-12 * observations.weights.sum()] = 0  # what rounding leaves of 0 is no variance
    return np.asarray(sums.T @ sums)


def group_hazard_ratios(
    observations: Observations, groups: int, *, ties: Ties = "efron", confidence_level: float = 0.95
) -> list[HazardRatio]:
    """Return the hazard ratio of each of the groups 1 .. groups - 1 to group 0, by Cox regression on indicators.

    The likelihood has a maximum if and only if from each group a chain leads to each other of "one of this group had an
    event while one of the next was at risk". The groups that such chains join to group 0 and back are fitted; those
    they do not have no hazard ratio, and leave the others as they would in the limit: without them.

    Parameters
    ----------
    groups : number of groups; `observations.group` holds codes below it

    Returns
    -------
    hazard ratios of the groups 1 .. groups - 1; NaN with a reason where a figure does not exist, never an exception

    Source: Ford, Am Math Mon 1957;64(8):28; Hunter, Ann Stat 2004;32:384 (the condition). Checked against aml.json.

    Examples
    --------
    >>> from app.analysis.observations import observe
    >>> ratios = group_hazard_ratios(observe([1, 2, 3, 4], [True] * 3 + [False], group=[1, 0, 1, 2]), 3)
    >>> [(round(ratio.hazard_ratio, 4), ratio.reason) for ratio in ratios]
    [(0.7071, None), (nan, 'the group has no events')]
    """
    reasons = _reasons_without_ratio(observations, groups)
    fitted = [code for code in range(1, groups) if not reasons[code]]
    found: dict[int, HazardRatio] = {}
    if fitted:
        part = observations.select(np.isin(observations.groups, [0, *fitted]))
        try:
            model = cox_regression(part, _indicators(part, fitted), ties=ties, confidence_level=confidence_level)
            found = {code: _hazard_ratio(code, model, column) for column, code in enumerate(fitted)}
        except NoEstimateError:
            reasons = [reason or "the hazard ratio is too near to 0 or infinity" for reason in reasons]
    nothing = (np.nan, np.nan, np.nan, np.nan)
    return [found.get(code) or HazardRatio(code, 0, *nothing, reasons[code]) for code in range(1, groups)]


def _hazard_ratio(code: int, model: CoxModel, column: int) -> HazardRatio:
    arrays = (model.hazard_ratio, model.lower, model.upper, model.p_value)
    ratio, lower, upper, p_value = (float(array[column]) for array in arrays)
    reason = "the clusters are too few for a robust standard error" if np.isnan(p_value) else None
    return HazardRatio(code, 0, ratio, lower, upper, p_value, reason)


def _reasons_without_ratio(observations: Observations, groups: int) -> list[str]:
    """Return for each group why its hazard ratio to group 0 does not exist, "" where it does."""
    sets, member = risk_sets(observations, "breslow"), _indicators(observations, range(groups))
    at_risk = sets.at_risk(member) > 0
    died = _sums(sets.event_time, member[sets.event_rows]) > 0
    # At [a, b]: one of group a had an event while one of group b was at risk.
    beaten = died.T @ at_risk
    np.fill_diagonal(beaten, val=False)
    _, component = connected_components(beaten, connection="strong")
    has_events: BoolArray = np.asarray(died.any(axis=0))

    def reason(code: int) -> str:
        if not has_events[0]:
            return "the reference group has no events"
        if not has_events[code]:
            return "the group has no events"
        if not (beaten[code].any() or beaten[:, code].any()):
            return "nobody of the group was at risk together with others at an event"
        if component[code] != component[0]:
            return "monotone likelihood: while the two groups were at risk together, at most one of them had events"
        return ""

    return [reason(code) for code in range(groups)]


def _indicators(observations: Observations, codes: Iterable[int]) -> FloatArray:
    return np.equal.outer(observations.groups, list(codes)).astype(np.float64)


def robust_score_test(observations: Observations, groups: int) -> HypothesisTest:
    """Test whether the groups have the same hazard where rows of a cluster depend on one another.

    U' V^- U with U the score of the group indicators at hazard ratios of 1 (observed - expected events, Efron ties,
    risk sets entry < t <= time) and V = sum over clusters of u u', u the sum of a cluster's score residuals. A row is
    a cluster of its own where the sample has none. With no more clusters than degrees of freedom the statistic is the
    number of clusters, whatever the data: NaN then.

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
    sets = risk_sets(observations, "efron")
    residuals = score_residuals(sets, _indicators(observations, range(groups)), np.zeros(groups))
    score, variance = observations.weights @ residuals, _score_variance(observations, residuals)
    observed = sum_by(observations.groups, sets.events, groups)
    test = quadratic_form_test("robust-score", score, variance, observed, observed - score)
    if 0 < _clusters(observations, sets) <= test.degrees_of_freedom:
        reason = "there are no more clusters than degrees of freedom"
        return replace(test, statistic=np.nan, degrees_of_freedom=0, p_value=np.nan, reason=reason)
    return test
