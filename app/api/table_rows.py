"""Results of an answer as rows of a table in long format: a quantity, its estimate, and what goes with it."""

from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import BaseModel

from app.schemas.common import CountedReason, Proportion
from app.schemas.competing_risks import CauseTest, IncidenceGroup
from app.schemas.survival import Comparison, Curve, FollowUp, SurvivalEstimate, SurvivalTest

Row = dict[str, Any]
Rows = Iterator[Row]

FIGURES = ("estimate", "standard_error", "lower", "upper", "degrees_of_freedom", "p_value", "reason")
RESULT = ("quantity", "at", *FIGURES)
"""The columns after those that say of whom; `at` is the time, horizon or probability that an estimate is for."""
POINT = ("quantity", "time", "at_risk", "events", "censored", "estimate", "standard_error", "lower", "upper")
"""The columns of a curve after those that say of whom."""


def within(rows: Iterable[Row], **context: Any) -> Rows:
    """Yield the rows with what they are about."""
    for row in rows:
        yield context | row


def result(quantity: str, of: BaseModel | None = None, **figures: Any) -> Row:
    """Return a row of what a model has of the figures, and of those given."""
    return {"quantity": quantity} | {name: getattr(of, name) for name in FIGURES if hasattr(of, name)} | figures


def survival_rows(estimate: SurvivalEstimate) -> Rows:
    """Yield the summary of an estimate of survival."""
    for name in ("subjects", "events", "censored", "person_time"):
        yield result(name, estimate=getattr(estimate, name), reason=estimate.reason)
    yield result("median", estimate.median)
    for quantile in estimate.quantiles:
        yield result("quantile", quantile, at=quantile.probability)
    yield result("restricted_mean", estimate.restricted_mean, at=estimate.restricted_mean.horizon)
    for rate in estimate.rates:
        yield result("at_risk", at=rate.time, estimate=rate.at_risk)
        yield result("events", at=rate.time, estimate=rate.events)
        yield result("survival", rate, at=rate.time, estimate=rate.survival)
    yield from follow_up_rows(estimate.follow_up)


def follow_up_rows(follow_up: FollowUp) -> Rows:
    """Yield how long the subjects were followed."""
    for name, value in follow_up.observed:
        yield result(f"follow_up_{name}", estimate=value)
    yield result("follow_up_reverse_kaplan_meier", follow_up.reverse_kaplan_meier)


def excluded_rows(excluded: Iterable[CountedReason]) -> Rows:
    """Yield how many were left out, and why."""
    for one in excluded:
        yield result("excluded", estimate=one.count, reason=one.reason)


def comparison_rows(comparison: Comparison | None) -> Rows:
    """Yield the tests and contrasts of groups; `group` is compared with `reference`."""
    if comparison is None:
        return
    for test in comparison.tests:
        yield result(_name(test), test, estimate=test.statistic)
    for ratio in comparison.hazard_ratios:
        groups = {"group": ratio.label, "reference": ratio.reference}
        yield groups | result("hazard_ratio", ratio, estimate=ratio.hazard_ratio)
    for mean in comparison.restricted_mean_differences:
        groups = {"group": mean.first, "reference": mean.second}
        yield groups | result("restricted_mean_difference", mean, at=mean.horizon, estimate=mean.difference)
        limits = {"lower": mean.ratio_lower, "upper": mean.ratio_upper, "reason": mean.reason}
        yield groups | result("restricted_mean_ratio", at=mean.horizon, estimate=mean.ratio) | limits
    for pair in comparison.pairwise:
        groups = {"group": pair.first, "reference": pair.second}
        yield groups | result(pair.name, pair, estimate=pair.statistic)
        yield groups | result(f"{pair.name}, adjusted", p_value=pair.adjusted_p_value, reason=pair.reason)


def _name(test: SurvivalTest) -> str:
    return test.name if test.rho is None else f"{test.name} (rho {test.rho:g}, gamma {test.gamma:g})"


def group_rows(group: IncidenceGroup) -> Rows:
    """Yield who is in a group of competing risks."""
    yield result("subjects", estimate=group.subjects)
    yield result("censored", estimate=group.censored)
    for rate in group.event_free.rates:
        yield result("at_risk", at=rate.time, estimate=rate.at_risk)


def incidence_rows(group: IncidenceGroup) -> Rows:
    """Yield the event-free probability and the cumulative incidences of a group."""
    for rate in group.event_free.rates:
        yield result("event_free", rate, at=rate.time, estimate=rate.survival)
    for one in group.causes:
        yield result("events", estimate=one.events) | {"cause": one.cause}
        yield result("median", one.median) | {"cause": one.cause}
        for incidence in one.rates:
            about = {"cause": one.cause, "at": incidence.time}
            yield result("events", estimate=incidence.events) | about
            yield result("cumulative_incidence", incidence, estimate=incidence.cumulative_incidence) | about


def gray_rows(tests: Iterable[CauseTest] | None) -> Rows:
    """Yield Gray's tests, one a cause."""
    for test in tests or ():
        yield result(test.name, test, estimate=test.statistic) | {"cause": test.cause}


def proportion_rows(proportion: Proportion) -> Rows:
    """Yield a count of a total, its share, and that with limits which allow for clusters."""
    yield result("count", estimate=proportion.count)
    yield result("total", estimate=proportion.total)
    yield result("proportion", proportion, estimate=proportion.proportion)
    if proportion.cluster_adjusted is not None:
        yield result("proportion, clustered", proportion.cluster_adjusted, estimate=proportion.proportion)


def points(curve: BaseModel | None) -> Rows:
    """Yield the rows of a curve, by the names of its columns."""
    columns = {} if curve is None else dict(curve)
    for values in zip(*columns.values(), strict=True):
        yield dict(zip(columns, values, strict=True))


def survival_points(curve: Curve | None, quantity: str = "survival") -> Rows:
    """Yield the rows of a survival curve as those of any quantity."""
    for point in points(curve):
        yield point | {"quantity": quantity, "estimate": point["survival"]}


def incidence_points(group: IncidenceGroup) -> Rows:
    """Yield the rows of the curves of a group: event-free probability, then each cause."""
    yield from survival_points(group.event_free.curve, "event_free")
    for one in group.causes:
        for point in points(one.curve):
            incidence = {"quantity": "cumulative_incidence", "estimate": point["cumulative_incidence"]}
            yield point | incidence | {"cause": one.cause}
