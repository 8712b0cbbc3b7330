"""From the results of the analysis layer to the wire: the one place where NaN becomes null."""

from collections.abc import Sequence
from dataclasses import fields
from itertools import zip_longest
from math import isfinite
from typing import Any, Literal

import numpy as np

from app import __version__
from app.analysis.arrays import FloatArray
from app.analysis.comparison import Comparison, Pair, SurvivalTest, Trend
from app.analysis.competing_risks import IncidenceEstimate, IncidenceRate
from app.analysis.cumulative_incidence import AalenJohansen
from app.analysis.curve_points import curve_points, kept_points, since_last
from app.analysis.follow_up import FollowUp
from app.analysis.hypothesis_test import HypothesisTest
from app.analysis.kaplan_meier import KaplanMeier
from app.analysis.landmarks import LandmarkRate, Tally
from app.analysis.logrank import Weighting
from app.analysis.proportions import Proportion
from app.analysis.quantiles import Quantile
from app.analysis.survival import SurvivalEstimate
from app.analysis.survival_notes import Caution
from app.schemas import common, competing_risks, survival
from app.schemas.common import CurveChoice, CurvePoints

EVENT_FREE = "event-free probability"
OF_CAUSE = "event-free probability, competing events censored"


CurveOption = Literal["full", "none"] | int
"""All points of curves, no curve, or as many points as this."""


AS_IT_IS = ("time", "horizon", "probability", "confidence_level", "rho", "gamma", "scores")


def number(value: float) -> float | None:
    """Return a figure as JSON has it, null where it does not exist."""
    return value if isfinite(value) else None


def numbers(values: FloatArray) -> list[Any]:
    """Return a series as JSON has it, null where a figure does not exist."""
    listed: list[Any] = values.tolist()
    return listed if np.isfinite(values).all() else [number(value) for value in listed]


def figures(result: Any, *leave_out: str) -> dict[str, Any]:
    """Return the attributes of a flat result, null for NaN, under the names that they have on the wire too."""
    values = {field.name: getattr(result, field.name) for field in fields(result) if field.name not in leave_out}
    return {name: number(value) if isinstance(value, float) else value for name, value in values.items()}


def series(result: Any) -> dict[str, list[Any]]:
    """Return the attributes of a result that is all arrays, null for NaN."""
    return {field.name: numbers(getattr(result, field.name)) for field in fields(result)}


def service() -> common.Service:
    """Return the service that answers."""
    return common.Service(name="atrisk", version=__version__)


def cautions(found: Sequence[Caution]) -> list[common.Caution]:
    """Return the warnings."""
    return [common.Caution(**figures(caution)) for caution in found]


def rounded(value: Any, digits: int = 4) -> Any:
    """Return a JSON value with its fractions rounded to so many digits, but for times, levels and what was asked for.

    With all the digits of many figures, equations could be solved for what each of them does not tell.

    Examples
    --------
    >>> rounded({"time": [1.23456], "survival": [0.123456, None, 1.0], "events": 123456.0})
    {'time': [1.23456], 'survival': [0.1235, None, 1.0], 'events': 123456.0}
    """
    if isinstance(value, dict):
        return {name: one if name in AS_IT_IS else rounded(one, digits) for name, one in value.items()}
    if isinstance(value, list):
        return [rounded(one, digits) for one in value]
    if isinstance(value, float) and not value.is_integer():
        return float(f"{value:.{digits - 1}e}")
    return value


def counted_reasons(excluded: dict[str, int]) -> list[common.CountedReason]:
    """Return what was left out, by reason."""
    return [common.CountedReason(reason=reason, count=count) for reason, count in excluded.items()]


def proportion(result: Proportion) -> common.Proportion:
    """Return a proportion."""
    adjusted = result.cluster_adjusted
    return common.Proportion(
        **figures(result, "cluster_adjusted"),
        cluster_adjusted=None if adjusted is None else common.ClusterAdjusted(**figures(adjusted)),
    )


def test_figures(test: HypothesisTest) -> dict[str, Any]:
    """Return what all tests have."""
    return figures(test, "observed", "expected")


def test(result: HypothesisTest) -> common.Test:
    """Return a test on a table."""
    return common.Test(**test_figures(result))


def quantile(result: Quantile) -> survival.Quantile:
    """Return a quantile."""
    return survival.Quantile(**figures(result))


def rate(result: LandmarkRate) -> survival.Rate:
    """Return survival at a landmark."""
    return survival.Rate(**figures(result))


def follow_up(result: FollowUp) -> survival.FollowUp:
    """Return the description of follow-up."""
    observed = figures(result, "reverse_kaplan_meier")
    return survival.FollowUp(
        observed=survival.ObservedFollowUp(**observed), reverse_kaplan_meier=quantile(result.reverse_kaplan_meier)
    )


def risk_table(result: Tally) -> survival.RiskTable:
    """Return the numbers under a figure."""
    return survival.RiskTable(**series(result))


def survival_estimate(
    result: SurvivalEstimate, *, curve: CurveOption, interpretation: str = EVENT_FREE
) -> survival.SurvivalEstimate:
    """Return the estimate of one sample."""
    return survival.SurvivalEstimate(**survival_figures(result, curve=curve, interpretation=interpretation))


def survival_figures(
    result: SurvivalEstimate, *, curve: CurveOption, interpretation: str = EVENT_FREE
) -> dict[str, Any]:
    """Return what estimates of samples, and of groups by label, have in common."""
    return {
        "interpretation": interpretation,
        "subjects": result.subjects,
        "events": result.events,
        "censored": result.censored,
        "person_time": result.person_time,
        "median": quantile(result.median),
        "quantiles": [quantile(one) for one in result.quantiles],
        "restricted_mean": survival.RestrictedMean(**figures(result.restricted_mean, "influence")),
        "rates": [rate(one) for one in result.rates],
        "follow_up": follow_up(result.follow_up),
        "risk_table": None if result.risk_table is None else risk_table(result.risk_table),
        "curve": survival_curve(result.curve, curve),
        "reason": None,
    }


def curve_option(asked: CurveChoice) -> CurveOption:
    """Return which points of curves a request asks for."""
    return asked.max_points if isinstance(asked, CurvePoints) else asked


def _max_points(option: CurveOption) -> int | None:
    return option if isinstance(option, int) else None


def survival_curve(result: KaplanMeier, option: CurveOption) -> survival.Curve | None:
    """Return what of a survival curve was asked for."""
    return None if option == "none" else survival.Curve(**series(curve_points(result, _max_points(option))))


def comparison(result: Comparison, labels: Sequence[str]) -> survival.Comparison:
    """Return the comparison of groups."""

    def named(pair: Pair) -> dict[str, str]:
        return {"first": labels[pair.first], "second": labels[pair.second]}

    return survival.Comparison(
        tests=[
            survival_test(test, labels, result.strata, asked) for test, asked in zip_longest(result.tests, result.asked)
        ],
        pairwise=[
            survival.PairwiseTest(
                name=one.test.name,
                **named(one.pair),
                statistic=number(one.test.statistic),
                p_value=number(one.test.p_value),
                adjusted_p_value=number(one.adjusted_p_value),
                reason=one.test.reason,
            )
            for one in result.pairwise
        ],
        restricted_mean_differences=[
            survival.RestrictedMeanDifference(
                **named(one.pair), horizon=one.horizon, **figures(one.compared), reason=one.reason
            )
            for one in result.restricted_mean_differences
        ],
        hazard_ratios=[
            survival.HazardRatio(
                label=labels[ratio.group],
                reference=labels[ratio.reference],
                **figures(ratio, "group", "reference"),
            )
            for ratio in result.hazard_ratios
        ],
    )


def survival_test(
    test: HypothesisTest, labels: Sequence[str], strata: int, asked: SurvivalTest | None = None
) -> survival.SurvivalTest:
    """Return a test of equal hazards."""
    groups = []
    if test.observed is not None and test.expected is not None:
        counts = zip(labels, test.observed.tolist(), test.expected.tolist(), strict=True)
        groups = [survival.GroupCounts(label=label, observed=seen, expected=due) for label, seen, due in counts]
    weighting = asked if isinstance(asked, Weighting) and asked.name == "fleming-harrington" else None
    return survival.SurvivalTest(
        **test_figures(test),
        rho=None if weighting is None else weighting.rho,
        gamma=None if weighting is None else weighting.gamma,
        scores=[*asked.scores] if isinstance(asked, Trend) and asked.scores is not None else None,
        strata=strata,
        groups=groups,
    )


def incidence_group(
    result: IncidenceEstimate, label: str, causes: Sequence[str], *, curve: CurveOption
) -> competing_risks.IncidenceGroup:
    """Return the cumulative incidences of one sample."""
    curves = result.curves
    table = curves.curve.table
    return competing_risks.IncidenceGroup(
        label=label,
        subjects=float(table.events.sum() + table.censored.sum()),
        censored=float(table.censored.sum()),
        event_free=competing_risks.EventFree(
            rates=[rate(one) for one in result.event_free_rates],
            curve=survival_curve(curves.curve, curve),
        ),
        causes=[
            competing_risks.CauseIncidence(
                cause=cause,
                events=float(curves.events[place].sum()),
                rates=[incidence_rate(one) for one in result.rates[place]],
                median=quantile(result.medians[place]),
                curve=incidence_curve(curves, place, curve),
            )
            for place, cause in enumerate(causes)
        ],
    )


def incidence_rate(result: IncidenceRate) -> competing_risks.IncidenceRate:
    """Return the incidence of a cause at a landmark."""
    return competing_risks.IncidenceRate(**figures(result))


def incidence_curve(result: AalenJohansen, cause: int, option: CurveOption) -> competing_risks.IncidenceCurve | None:
    """Return what was asked for of the incidence of the cause at a place."""
    if option == "none":
        return None
    table, kept = result.curve.table, kept_points(result.curve.time, _max_points(option))
    return competing_risks.IncidenceCurve(
        time=numbers(table.time[kept]),
        at_risk=numbers(table.at_risk[kept]),
        events=numbers(since_last(result.events[cause], kept)),
        cumulative_incidence=numbers(result.incidence[cause][kept]),
        standard_error=numbers(result.standard_error[cause][kept]),
        lower=numbers(result.lower[cause][kept]),
        upper=numbers(result.upper[cause][kept]),
    )


def cause_test(test: HypothesisTest, cause: str) -> competing_risks.CauseTest:
    """Return Gray's test for a cause."""
    return competing_risks.CauseTest(cause=cause, **test_figures(test))
