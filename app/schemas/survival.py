"""Responses about survival curves and their comparison."""

from pydantic import Field

from app.schemas.common import (
    NULL,
    SUPPRESSED,
    AtRisk,
    AtRiskSeries,
    Count,
    ErrorSeries,
    Label,
    Lower,
    LowerSeries,
    Meta,
    Probability,
    ProbabilityError,
    PValue,
    Ratio,
    RatioLower,
    RatioUpper,
    Reason,
    ResponseModel,
    Test,
    Time,
    TimeError,
    TimeEstimate,
    TimeLower,
    Times,
    TimeUpper,
    Upper,
    UpperSeries,
)


class Quantile(ResponseModel):
    """The time by which a share of the subjects has had the event."""

    probability: Probability = Field(description="Share of subjects who have had the event by then.")
    estimate: TimeEstimate
    standard_error: TimeError = Field(description="By the density rule with window 0.05, in `time_unit`, or `null`.")
    lower: TimeLower
    upper: TimeUpper
    reason: Reason


class RestrictedMean(ResponseModel):
    """The mean survival time up to a horizon: the area under the curve."""

    horizon: Time | None = Field(description=f"Up to where, in `time_unit`; {SUPPRESSED}")
    estimate: TimeEstimate
    standard_error: TimeError
    lower: TimeLower
    upper: TimeUpper
    reason: Reason


class Rate(ResponseModel):
    """Survival at a landmark."""

    time: Time
    at_risk: AtRisk
    events: Count = Field(description="Events up to and including `time`.")
    survival: Probability | None = Field(description="Probability of no event up to and including `time`, or `null`.")
    standard_error: ProbabilityError
    lower: Lower
    upper: Upper
    reason: Reason


class ObservedFollowUp(ResponseModel):
    """Descriptive statistics of the follow-up times, in `time_unit`."""

    median: TimeEstimate
    mean: TimeEstimate
    minimum: TimeEstimate
    maximum: TimeEstimate
    lower_quartile: TimeEstimate
    upper_quartile: TimeEstimate


class FollowUp(ResponseModel):
    """How long the subjects were followed: as observed, and by the reverse Kaplan-Meier estimate."""

    observed: ObservedFollowUp
    reverse_kaplan_meier: Quantile


class RiskTable(ResponseModel):
    """Numbers under the time axis of a figure (KMunicate): they add up to the subjects that have entered by then."""

    time: list[float] = Field(description="The times asked for, in `time_unit`.")
    at_risk: list[float] = Field(
        description="Subjects whose follow-up goes on after each time, events and censorings there being over."
    )
    events: list[float] = Field(description="Events up to and including each time.")
    censored: list[float] = Field(description="Censorings up to and including each time.")


class Curve(ResponseModel):
    """A survival curve: one row a distinct follow-up time, or fewer where `max_points` or `min_cell_count` say so."""

    time: Times
    at_risk: AtRiskSeries
    events: list[float] = Field(description="Events at each time, and since the row before.")
    censored: list[float] = Field(description="Censorings at each time, and since the row before.")
    survival: list[float] = Field(description="Probability of no event up to and including each time.")
    standard_error: ErrorSeries
    lower: LowerSeries
    upper: UpperSeries
    cumulative_hazard: list[float] = Field(description="Nelson-Aalen estimate.")
    cumulative_hazard_standard_error: ErrorSeries


class SurvivalEstimate(ResponseModel):
    """Survival of one sample."""

    interpretation: str = Field(description="What the probabilities mean where competing events exist.")
    subjects: Count
    events: Count = Field(description="Subjects with the event.")
    censored: Count = Field(description="Subjects without it.")
    person_time: float | None = Field(description=f"Sum of the times at risk, in `time_unit`; {SUPPRESSED}")
    median: Quantile
    quantiles: list[Quantile] = Field(description="The quartiles, or the quantiles asked for.")
    restricted_mean: RestrictedMean
    rates: list[Rate] = Field(description="One a requested landmark.")
    follow_up: FollowUp
    risk_table: RiskTable | None = Field(description="`null` where no times were asked for, or where suppressed.")
    curve: Curve | None = Field(description='`null` where the request has `curve: "none"`, or where suppressed.')
    reason: Reason = Field(
        description="`suppressed` where nothing can be told without telling of fewer subjects than `min_cell_count`."
    )


class GroupCounts(ResponseModel):
    """Events of a group, and those expected under the hypothesis of equal hazards."""

    label: Label
    observed: float = Field(description="Events of the group, each with the weight that the test gives it.")
    expected: float = Field(description="The same of the events that are expected of it under the hypothesis.")


class SurvivalTest(Test):
    """A test of equal hazards."""

    rho: float | None = Field(description="Of fleming-harrington, `null` for other tests.")
    gamma: float | None = Field(description="Of fleming-harrington, `null` for other tests.")
    scores: list[float] | None = Field(description="Of trend where they were sent, `null` for other tests.")
    strata: int = Field(description="Strata that the test is adjusted for; 1 without any.")
    groups: list[GroupCounts] = Field(description="Empty for tests without such counts.")


class PairwiseTest(ResponseModel):
    """Two groups compared alone."""

    name: str = Field(description="The first test of the request, or `robust-score` where rows are dependent.")
    first: Label
    second: Label
    statistic: float | None = Field(description="Statistic of the test, or `null`.")
    p_value: PValue
    adjusted_p_value: PValue = Field(description="Adjusted for the number of pairs, or `null`.")
    reason: Reason


class RestrictedMeanDifference(ResponseModel):
    """Restricted means of two groups: `first` - `second`, and `first` / `second`."""

    first: Label
    second: Label
    horizon: Time = Field(
        description="That of the request, or the shortest of the groups' largest follow-up times, in `time_unit`."
    )
    difference: float | None = Field(description=f"Difference of the means, in `time_unit`; {NULL}")
    standard_error: TimeError
    lower: TimeLower
    upper: TimeUpper
    p_value: PValue
    ratio: Ratio
    ratio_lower: RatioLower
    ratio_upper: RatioUpper
    reason: Reason


class HazardRatio(ResponseModel):
    """Hazard of a group in relation to that of the reference, the first group, by a Cox model."""

    label: Label
    reference: Label = Field(description="Label of the reference, the first group.")
    hazard_ratio: Ratio
    lower: RatioLower
    upper: RatioUpper
    p_value: PValue
    reason: Reason


class Comparison(ResponseModel):
    """The groups compared."""

    tests: list[SurvivalTest] = Field(description="Tests of equal hazards.")
    pairwise: list[PairwiseTest] = Field(description="Tests of the groups in pairs, where they were asked for.")
    restricted_mean_differences: list[RestrictedMeanDifference] = Field(description="One a pair of groups.")
    hazard_ratios: list[HazardRatio] = Field(description="One a group but the reference.")


class SurvivalGroup(SurvivalEstimate):
    """Survival of a group."""

    label: Label


class SurvivalResponse(ResponseModel):
    """Survival of a sample, overall and by group."""

    meta: Meta
    overall: SurvivalEstimate
    groups: list[SurvivalGroup] = Field(description="In the order of `group_order`, or of first appearance.")
    comparison: Comparison | None = Field(
        description="`null` with fewer than two groups, or where one of them is suppressed."
    )
