"""From the results of the analysis layer to the wire: the one place where NaN becomes null."""

from collections.abc import Sequence
from dataclasses import fields
from math import isfinite
from typing import Any

import numpy as np

from app.analysis.arrays import FloatArray
from app.analysis.competing_risks import IncidenceEstimate, IncidenceRate
from app.analysis.cumulative_incidence import AalenJohansen
from app.analysis.follow_up import FollowUp
from app.analysis.hypothesis_test import HypothesisTest
from app.analysis.kaplan_meier import KaplanMeier
from app.analysis.proportions import Proportion
from app.analysis.quantiles import Quantile
from app.analysis.survival import Comparison, LandmarkRate, SurvivalEstimate
from app.schemas import common, competing_risks, survival

EVENT_FREE = "event-free probability"
OF_CAUSE = "event-free probability, competing events censored"


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


def curve(result: KaplanMeier) -> survival.Curve:
    """Return a survival curve."""
    table = result.table
    return survival.Curve(
        time=numbers(table.time),
        at_risk=numbers(table.at_risk),
        events=numbers(table.events),
        censored=numbers(table.censored),
        survival=numbers(result.survival),
        standard_error=numbers(result.standard_error),
        lower=numbers(result.lower),
        upper=numbers(result.upper),
        cumulative_hazard=numbers(result.cumulative_hazard),
        cumulative_hazard_standard_error=numbers(result.cumulative_hazard_standard_error),
    )


def survival_estimate(result: SurvivalEstimate, *, interpretation: str, with_curve: bool) -> survival.SurvivalEstimate:
    """Return the estimate of one sample."""
    mean = figures(result.restricted_mean, "influence")
    return survival.SurvivalEstimate(
        interpretation=interpretation,
        subjects=result.subjects,
        events=result.events,
        censored=result.censored,
        person_time=result.person_time,
        median=quantile(result.median),
        quantiles=[quantile(one) for one in result.quantiles],
        restricted_mean=survival.RestrictedMean(**mean),
        rates=[rate(one) for one in result.rates],
        follow_up=follow_up(result.follow_up),
        risk_table=None,
        curve=curve(result.curve) if with_curve else None,
    )


def comparison(result: Comparison, labels: Sequence[str]) -> survival.Comparison:
    """Return the comparison of groups."""
    return survival.Comparison(
        tests=[survival_test(test, labels) for test in result.tests],
        pairwise=[],
        restricted_mean_differences=[
            survival.RestrictedMeanDifference(
                first=labels[pair.first],
                second=labels[pair.second],
                horizon=pair.horizon,
                **figures(pair.compared),
            )
            for pair in result.restricted_mean_differences
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


def survival_test(test: HypothesisTest, labels: Sequence[str]) -> survival.SurvivalTest:
    """Return a test of equal hazards."""
    groups = []
    if test.observed is not None and test.expected is not None:
        counts = zip(labels, test.observed.tolist(), test.expected.tolist(), strict=True)
        groups = [survival.GroupCounts(label=label, observed=seen, expected=due) for label, seen, due in counts]
    return survival.SurvivalTest(**test_figures(test), strata=1, groups=groups)


def incidence_group(
    result: IncidenceEstimate, label: str, causes: Sequence[str], *, with_curve: bool
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
            curve=curve(curves.curve) if with_curve else None,
        ),
        causes=[
            competing_risks.CauseIncidence(
                cause=cause,
                events=float(curves.events[place].sum()),
                rates=[incidence_rate(one) for one in result.rates[place]],
                median=quantile(result.medians[place]),
                curve=incidence_curve(curves, place) if with_curve else None,
            )
            for place, cause in enumerate(causes)
        ],
    )


def incidence_rate(result: IncidenceRate) -> competing_risks.IncidenceRate:
    """Return the incidence of a cause at a landmark."""
    return competing_risks.IncidenceRate(**figures(result))


def incidence_curve(result: AalenJohansen, cause: int) -> competing_risks.IncidenceCurve:
    """Return the incidence of the cause at a place."""
    table = result.curve.table
    return competing_risks.IncidenceCurve(
        time=numbers(table.time),
        at_risk=numbers(table.at_risk),
        events=numbers(result.events[cause]),
        cumulative_incidence=numbers(result.incidence[cause]),
        standard_error=numbers(result.standard_error[cause]),
        lower=numbers(result.lower[cause]),
        upper=numbers(result.upper[cause]),
    )


def cause_test(test: HypothesisTest, cause: str) -> competing_risks.CauseTest:
    """Return Gray's test for a cause."""
    return competing_risks.CauseTest(cause=cause, **test_figures(test))
