"""Risk sets of the subdistribution hazard: those with a competing event stay, weighted."""

from dataclasses import dataclass, fields, replace

import numpy as np

from app.analysis.arrays import FloatArray, IntArray
from app.analysis.conventions import Ties
from app.analysis.errors import NoEstimateError
from app.analysis.observations import Observations
from app.analysis.risk_sets import RiskSets, risk_sets, sums_at
from app.analysis.risk_table import none_or_more, risk_table
from app.analysis.spans import Prefixes, Spans, spans

#: Logarithm of the largest weight that leaves sums their digits.
LARGEST_LOG_WEIGHT = 200.0


@dataclass(frozen=True, slots=True)
class FineGrayRiskSets(RiskSets):
    """Who is at risk of the event of interest at each of its m times; after a competing event at T with A(t) / A(T).

    Attributes
    ----------
    later : event times after the competing event of a row
    followed : A at each event time, shape [m]
    followed_then : A at the competing event of a row, 1 for all others, shape [n]
    """

    later: Spans | Prefixes
    followed: FloatArray
    followed_then: FloatArray

    def at_risk(self, values: FloatArray) -> FloatArray:
        """Return the sums of `values` [.., n] over those at risk at each step, shape [.., s]."""
        staying = self.followed * self.later.over_rows(values / self.followed_then)
        return RiskSets.at_risk(self, values) + np.take(staying, self.step_time, axis=-1)

    def accrued(self, values: FloatArray) -> FloatArray:
        """Return for each row the sums of `values` [.., s] over the steps at which it is at risk, shape [.., n]."""
        staying = self.later.over_places(self.followed * sums_at(self.step_time, values))
        return RiskSets.accrued(self, values) + staying / self.followed_then


def fine_gray_risk_sets(observations: Observations, ties: Ties) -> FineGrayRiskSets:
    """Return the risk sets of the events of cause 1: entry < t <= time, and after a competing event at T with a weight.

    The weight is A(t) / A(T), A = G H: G(t) is the Kaplan-Meier probability of no censoring before t, where events come
    before censorings at the same time, and H(t) the product-limit probability of having entered before t, where entries
    come after all else. So A grows from an event time (of any cause) with d events among n at risk to the next with n*
    at risk by n* / (n - d). Strata are laid in sequence (`strata_in_sequence`), and each has its own A.

    Raises
    ------
    NoEstimateError
        If a weight is infinite: everybody at risk had an event, and others entered later; or too large.

    Source: Fine & Gray, JASA 1999;94:496; Geskus, Biometrics 2011;67:39; Zhou et al., Biometrics 2011;67:661 (strata).

    Examples
    --------
    After the competing event at 1 three are followed, of whom one is censored at 2: the weight at 3 is 2/3.

    >>> from app.analysis.observations import observe
    >>> sets = fine_gray_risk_sets(observe([1, 2, 3, 4], [2, 0, 1, 0]), "breslow")
    >>> sets.at_risk(np.ones(4)).round(4)
    array([2.6667])
    """
    sets = risk_sets(replace(observations, cause=(observations.cause == 1).astype(np.int64)), ties)
    times = np.unique(observations.time[sets.event_rows])
    last = ends_of_strata(observations, observations.time)
    start, stop = (np.searchsorted(times, until, side="right") for until in (observations.time, last))
    stays = (observations.cause > 1) & (start < stop)
    then, log_followed, run = _log_followed(observations)
    place, place_then = np.searchsorted(then, times), np.searchsorted(then, observations.time[stays])
    broken = run[place_then] != run[place[stop[stays] - 1]]
    if broken.any() or (stays.any() and np.abs(log_followed).max() > LARGEST_LOG_WEIGHT):
        raise NoEstimateError(
            "the weights of those with a competing event are out of reach: everybody at risk, or nearly so again and "
            "again, had an event, and others entered later"
        )
    followed_then = np.ones(observations.size)
    followed_then[stays] = np.exp(log_followed[place_then])
    inherited = {field.name: getattr(sets, field.name) for field in fields(RiskSets)}
    return FineGrayRiskSets(
        **inherited | {"weights": np.where(stays, observations.weights, sets.weights)},
        later=spans(start, np.where(stays, stop, start), times.size),
        followed=np.exp(log_followed[place]),
        followed_then=followed_then,
    )


def _log_followed(observations: Observations) -> tuple[FloatArray, FloatArray, IntArray]:
    """Return the event times of any cause, log A at each, and the run of finite growth that each is in; shapes [e]."""
    table = risk_table(observations)
    happens = table.events > 0
    time, at_risk = table.time[happens], table.at_risk[happens]

    def staying(counts: FloatArray) -> FloatArray:
        of_counts = risk_table(replace(observations, weight=counts))
        return (of_counts.at_risk - of_counts.events)[happens]

    left = none_or_more(staying, observations.weights)[:-1]
    begins = (left == 0) | np.diff(ends_of_strata(observations, time)).astype(bool)
    log_growth = np.log(np.divide(at_risk[1:], left, out=np.ones_like(left), where=~begins))
    log_followed = np.concatenate(([0.0], np.cumsum(log_growth)))
    run = np.concatenate(([0], np.cumsum(begins)))
    first = np.flatnonzero(np.concatenate(([True], begins)))
    return time, log_followed - log_followed[first][run], run


def ends_of_strata(observations: Observations, times: FloatArray) -> FloatArray:
    """Return for each of `times` the last follow-up time of the stratum, of those laid in sequence, that it is in."""
    strata = np.zeros(observations.size) if observations.stratum is None else observations.stratum
    last = observations.time[np.append(strata[1:] != strata[:-1], True)]
    return np.asarray(last[np.searchsorted(last, times)])
