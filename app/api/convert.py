"""From the results of the analysis layer to the wire: the one place where NaN becomes null."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from functools import cache
from itertools import zip_longest
from math import isfinite
from operator import attrgetter
from typing import Any

import numpy as np

from app import __version__
from app.analysis.arrays import FloatArray
from app.analysis.comparison import Comparison, Pair, SurvivalTest, Trend
from app.analysis.curve_points import curve_points
from app.analysis.follow_up import FollowUp
from app.analysis.hypothesis_test import HypothesisTest
from app.analysis.kaplan_meier import KaplanMeier
from app.analysis.landmarks import LandmarkRate
from app.analysis.logrank import Weighting
from app.analysis.proportions import Proportion
from app.analysis.quantiles import Quantile
from app.analysis.survival import SurvivalEstimate
from app.analysis.survival_notes import Caution
from app.schemas import common, survival
from app.schemas.common import CurveChoice, CurvePoints
from app.schemas.flat_request import SubjectsRequest

EVENT_FREE = "event-free probability"
OF_CAUSE = "event-free probability, competing events censored"


AS_IT_IS = ("time", "horizon", "probability", "confidence_level", "rho", "gamma", "scores")


def number(value: float) -> float | None:
    """Return a figure as JSON has it, null where it does not exist."""
    return value if isfinite(value) else None


def numbers(values: FloatArray) -> list[Any]:
    """Return a series as JSON has it, null where a figure does not exist."""
    listed: list[Any] = values.tolist()
    for place in np.flatnonzero(~np.isfinite(values)):
        listed[place] = None
    return listed


def figures(result: Any, *leave_out: str) -> dict[str, Any]:
    """Return the attributes of a flat result, null for NaN, under the names that they have on the wire too."""
    names, values = _attributes(result.__class__, leave_out)
    return {
        name: None if isinstance(value, float) and not isfinite(value) else value
        for name, value in zip(names, values(result), strict=True)
    }


def series(result: Any) -> dict[str, list[Any]]:
    """Return the attributes of a result that is all arrays of one length, null for NaN."""
    names, values = _attributes(result.__class__, ())
    return columns(dict(zip(names, values(result), strict=True)))


def columns(arrays: Mapping[str, FloatArray]) -> dict[str, list[Any]]:
    """Return series of one length as JSON has them, null for NaN."""
    values = np.array([*arrays.values()])
    listed: list[Any] = values.tolist()
    for column, place in np.argwhere(~np.isfinite(values)):
        listed[column][place] = None
    return dict(zip(arrays, listed, strict=True))


@cache
def _attributes(kind: type[Any], leave_out: tuple[str, ...]) -> tuple[list[str], Callable[[Any], Any]]:
    """Return the names of the fields, and what gets all their values at once."""
    names = [field.name for field in fields(kind) if field.name not in leave_out]
    return names, attrgetter(*names)


def rows(columns: Mapping[str, FloatArray]) -> list[dict[str, Any]]:
    """Return series of one length as the figures of each place, null for NaN."""
    return [dict(zip(columns, values, strict=True)) for values in zip(*map(numbers, columns.values()), strict=True)]


def service() -> common.Service:
    """Return the service that answers."""
    return common.Service(name="atrisk", version=__version__)


def cautions(found: Sequence[Caution]) -> list[common.Caution]:
    """Return the warnings."""
    return [common.Caution(**figures(caution)) for caution in found]


def meta(
    request: SubjectsRequest,
    input_sha256: str | None,
    *,
    confidence_type: common.ConfidenceType,
    subjects_in: int | None,
    subjects_used: int | None,
    excluded: Mapping[str, int | None],
    warnings: Sequence[Caution],
    methods: Iterable[str],
) -> common.Meta:
    """Return by which service, method and input the figures of subjects came."""
    return common.Meta(
        service=service(),
        convention=request.convention,
        confidence_level=request.confidence_level,
        confidence_type=confidence_type,
        time_unit=request.time_unit,
        input_sha256=input_sha256,
        subjects_in=subjects_in,
        subjects_used=subjects_used,
        excluded=counted_reasons(excluded),
        warnings=cautions(warnings),
        methods=[*methods],
    )


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


def counted_reasons(excluded: Mapping[str, int | None]) -> list[common.CountedReason]:
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


def survival_estimate(
    result: SurvivalEstimate, *, curve: CurveChoice, interpretation: str = EVENT_FREE
) -> survival.SurvivalEstimate:
    """Return the estimate of one sample."""
    return survival.SurvivalEstimate(**survival_figures(result, curve=curve, interpretation=interpretation))


def survival_figures(
    result: SurvivalEstimate, *, curve: CurveChoice, interpretation: str = EVENT_FREE
) -> dict[str, Any]:
    """Return what estimates of samples, and of groups by label, have in common."""
    return {
        "interpretation": interpretation,
        "subjects": result.subjects,
        "events": result.events,
        "censored": result.censored,
        "person_time": result.person_time,
        "median": figures(result.median),
        "quantiles": [figures(one) for one in result.quantiles],
        "restricted_mean": figures(result.restricted_mean, "influence"),
        "rates": [figures(one) for one in result.rates],
        "follow_up": follow_up(result.follow_up),
        "risk_table": None if result.risk_table is None else series(result.risk_table),
        "curve": None if curve == "none" else series(curve_points(result.curve, max_points(curve))),
        "reason": None,
    }


def max_points(curve: CurveChoice) -> int | None:
    """Return how many points of curves a request asks for, None for all."""
    return curve.max_points if isinstance(curve, CurvePoints) else None


def survival_curve(result: KaplanMeier, curve: CurveChoice) -> survival.Curve | None:
    """Return what of a survival curve was asked for."""
    return None if curve == "none" else survival.Curve(**series(curve_points(result, max_points(curve))))


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
