"""What a careful statistician adds to survival figures: the methods in sentences, and warnings."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from app.analysis.arrays import TOLERANCE
from app.analysis.comparison import Comparison, ComparisonOptions, MaxCombo, SurvivalTest, Trend, pairwise_test
from app.analysis.logrank import WeightName
from app.analysis.multiple_testing import Adjustment
from app.analysis.observations import Observations
from app.analysis.restricted_mean import RestrictedMean
from app.analysis.survival import SurvivalEstimate, SurvivalOptions
from app.analysis.survival_summary import SurvivalSummary

FEW_EVENTS = 10
FEW_AT_RISK = 0.1
FEW_CLUSTERS = 20
DOUBTFUL = 0.05

PACKAGES = {"r": "R (survival)", "sas": "SAS (LIFETEST)", "spss": "SPSS (KM)", "stata": "Stata (sts, stci)"}
WEIGHTED_TESTS: dict[WeightName, str] = {
    "log-rank": "log-rank test (Mantel, Cancer Chemother Rep 1966;50:163-170; Peto and Peto, J R Stat Soc A "
    "1972;135:185-207)",
    "gehan-breslow": "Gehan-Breslow test (Gehan, Biometrika 1965;52:203-223; Breslow, Biometrika 1970;57:579-594)",
    "tarone-ware": "Tarone-Ware test (Biometrika 1977;64:156-160)",
    "peto-peto": "Peto-Peto test (J R Stat Soc A 1972;135:185-207)",
    "modified-peto-peto": "modified Peto-Peto test (Andersen et al., Int Stat Rev 1982;50:219-258)",
    "fleming-harrington": "Fleming-Harrington test with rho {rho:g} and gamma {gamma:g} (Harrington and Fleming, "
    "Biometrika 1982;69:553-566)",
}
ROBUST_SCORE = (
    "score test of a Cox model with variance clustered by {unit} (Lin and Wei, J Am Stat Assoc 1989;84:1074-1078)"
)
JACKKNIFE = "the infinitesimal jackknife variance for {unit} (Efron, The jackknife, 1982, chapter 6)"
DELAYED_ENTRY = "Entry was delayed: a subject is at risk after its entry, up to and including its time."
ADJUSTMENTS: dict[Adjustment, str] = {
    "holm": "adjusted by Holm's method (Scand J Stat 1979;6:65-70)",
    "hochberg": "adjusted by Hochberg's method (Biometrika 1988;75:800-802)",
    "bonferroni": "adjusted by Bonferroni's method",
    "bh": "adjusted by Benjamini and Hochberg's method (J R Stat Soc B 1995;57:289-300)",
    "by": "adjusted by Benjamini and Yekutieli's method (Ann Stat 2001;29:1165-1188)",
    "none": "not adjusted for their number",
}
FOLLOW_UP = (
    "Follow-up is described as observed, and by the reverse Kaplan-Meier method (Schemper and Smith, Control "
    "Clin Trials 1996;17:343-346)."
)

SENTENCES = {
    "few_events": f"Fewer than {FEW_EVENTS} events, so that estimates are imprecise: {{}}.",
    "group_without_events": "No events, so that no hazard ratio exists: {}.",
    "empty_group": "Groups without units are left out: {}.",
    "few_at_risk_at_median": "The median lies where fewer than 10 % are still at risk: {}.",
    "median_on_last_flat": "Survival is exactly 0.5 up to the last follow-up, where packages differ (R's quantile() "
    "gives the middle of that time, its print() and SPSS the first time, SAS none): {}.",
    "carried_forward": "Survival was carried forward beyond the last follow-up, where it is not known: {}.",
    "risk_set_emptied": "All at risk had the event while others were still to enter, so that survival is 0 from then "
    "on; a later start_time may help: {}.",
    "nonproportional_hazards": "Hazards may not be proportional (Grambsch-Therneau test, p < 0.05), so that hazard "
    "ratios are averages over time, and the restricted means may say more: {}.",
    "few_clusters": f"Fewer than {FEW_CLUSTERS} clusters, or subjects with sampling weights, so that robust standard "
    "errors are too small: {}.",
    "rows_as_independent": "These tests take the rows of a cluster as independent, robust-score does not: {}.",
    "coarsened_times": "For disclosure control each time stands for the mean time of {}, and all figures are estimated "
    "from these times.",
    "suppressed": "Not shown, since it would tell of fewer subjects than min_cell_count: {}.",
}


@dataclass(frozen=True, slots=True)
class Caution:
    """A warning: a stable code, and the sentence for people."""

    code: str
    detail: str


Found = tuple[str, str]
"""The code of a warning, and the place that it applies to."""


def cautions(found: Iterable[Found], sentences: Mapping[str, str]) -> list[Caution]:
    """Return each warning once, in the order of the sentences, with the places that it applies to.

    Examples
    --------
    >>> cautions([("b", "here"), ("a", "x"), ("b", "there")], {"a": "A: {}.", "b": "B: {}.", "c": "C: {}."})
    [Caution(code='a', detail='A: x.'), Caution(code='b', detail='B: here; there.')]
    """
    listed = list(found)
    return [
        Caution(code, sentence.format("; ".join(places)))
        for code, sentence in sentences.items()
        if (places := [place for found_code, place in listed if found_code == code])
    ]


def estimate_cautions(where: str, estimate: SurvivalEstimate) -> Iterator[Found]:
    """Yield what should be said of the estimate of a whole sample."""
    if _events(estimate) < FEW_EVENTS:
        yield "few_events", where
    yield from _curve_cautions(where, estimate)


def group_cautions(where: str, groups: Mapping[str, SurvivalEstimate], empty: Sequence[str]) -> Iterator[Found]:
    """Yield what should be said of the estimates of groups, by label; `empty` are the groups without a subject."""
    few = [label for label, estimate in groups.items() if 0 < _events(estimate) < FEW_EVENTS]
    without = [label for label, estimate in groups.items() if _events(estimate) == 0]
    for code, labels in (("few_events", few), ("group_without_events", without), ("empty_group", empty)):
        if labels:
            yield code, f"{where} ({', '.join(labels)})"
    for label, estimate in groups.items():
        yield from _curve_cautions(f"{where} ({label})", estimate)


def comparison_cautions(where: str, comparison: Comparison) -> Iterator[Found]:
    """Yield what should be said of a comparison."""
    if comparison.proportional.p_value < DOUBTFUL:
        yield "nonproportional_hazards", where


def summary_warnings(summary: SurvivalSummary, labels: Sequence[str]) -> list[Caution]:
    """Return what should be said aloud about the figures of a sample, each warning once."""
    return cautions(_summary_cautions(summary, labels), SENTENCES)


def _summary_cautions(summary: SurvivalSummary, labels: Sequence[str]) -> Iterator[Found]:
    shown = {labels[group.code]: group.estimate for group in summary.groups if group.estimate is not None}
    hidden = [labels[group.code] for group in summary.groups if group.estimate is None]
    if summary.overall is not None:
        yield from estimate_cautions("overall", summary.overall)
    yield from group_cautions("by group", shown, [labels[code] for code in summary.empty])
    if summary.comparison is not None:
        yield from comparison_cautions("by group", summary.comparison)
    everyone = {"overall": summary.overall, **{f"by group ({label})": estimate for label, estimate in shown.items()}}
    for where, estimate in everyone.items():
        if (
            estimate is not None
            and summary.horizon is not None
            and _is_extrapolated(estimate.restricted_mean, estimate)
        ):
            yield "carried_forward", f"restricted mean {where}"
    yield from _dependence_cautions(summary)
    if summary.min_cell_count is not None and summary.overall is not None:
        yield "coarsened_times", f"{summary.min_cell_count} subjects or more"
    if hidden or summary.overall is None:
        yield "suppressed", ", ".join(hidden) if summary.overall is not None else "overall"


def _dependence_cautions(summary: SurvivalSummary) -> Iterator[Found]:
    cluster = summary.observations.cluster
    if cluster is None or summary.overall is None:
        return
    if np.unique(cluster).size < FEW_CLUSTERS:
        yield "few_clusters", "overall"
    if not summary.observations.sampling and summary.comparison is not None and len(summary.comparison.tests) > 1:
        yield "rows_as_independent", ", ".join(test.name for test in summary.comparison.tests[:-1])


def _events(estimate: SurvivalEstimate) -> float:
    observations = estimate.curve.observations
    return float(observations.event.sum()) if observations.sampling else estimate.events


def _curve_cautions(where: str, estimate: SurvivalEstimate) -> Iterator[Found]:
    if (estimate.curve.survival[:-1] == 0).any():
        yield "risk_set_emptied", where
    last = estimate.curve.time[-1]
    if any(rate.time > last and rate.survival > 0 for rate in estimate.rates):
        yield "carried_forward", f"rates {where}"
    if abs(estimate.curve.survival[-1] - 0.5) <= TOLERANCE and _falls_to_half(estimate) < estimate.curve.time[-1]:
        yield "median_on_last_flat", where
    if np.isnan(estimate.median.estimate):
        return
    at_median = estimate.curve.at(np.array([estimate.median.estimate]))[0]
    if estimate.curve.table.at_risk[at_median] < FEW_AT_RISK * estimate.subjects:
        yield "few_at_risk_at_median", where


def summary_methods(summary: SurvivalSummary, options: SurvivalOptions, comparison: ComparisonOptions) -> Iterator[str]:
    """Yield how the figures of a sample came about, in sentences with their references."""
    observations = summary.observations
    variance = "Greenwood's variance"
    if observations.cluster is not None:
        variance = JACKKNIFE.format(unit="sampling weights" if observations.sampling else "clusters")
    yield from estimation_methods(options, variance)
    yield (
        "Cumulative hazards are Nelson and Aalen's (Aalen, Ann Stat 1978;6:701-726). Events come before censorings at "
        "the same time; times closer than 1.5e-8, absolutely or relative to their mean, are one."
    )
    if observations.entry is not None:
        yield DELAYED_ENTRY
    if observations.start > 0:
        yield f"Estimates are for subjects who are event-free just before {observations.start:.15g}."
    if options.risk_table_times is not None:
        yield "Numbers at risk, with events and censorings, follow Morris et al. (BMJ Open 2019;9:e030215)."
    if summary.min_cell_count is not None and summary.overall is not None:
        yield (
            f"For disclosure control times were averaged over runs of at least {summary.min_cell_count} subjects of a "
            "group with the same fate (microaggregation; Domingo-Ferrer and Mateo-Sanz, IEEE Trans Knowl Data Eng "
            "2002;14:189-201), all figures were estimated from the result, and fractions rounded to four digits."
        )
    if summary.comparison is not None:
        yield from comparison_methods(observations, options, comparison)


def _is_extrapolated(mean: RestrictedMean, estimate: SurvivalEstimate) -> bool:
    return mean.estimate > 0 and mean.horizon > estimate.curve.time[-1] and estimate.curve.survival[-1] > 0


def _falls_to_half(estimate: SurvivalEstimate) -> float:
    return float(estimate.curve.time[np.argmax(estimate.curve.survival <= 0.5 + TOLERANCE)])


def estimation_methods(options: SurvivalOptions, variance: str) -> Iterator[str]:
    """Yield how curves, quantiles and means were estimated; `variance` is the variance that intervals come from."""
    yield (
        "Survival was estimated by the method of Kaplan and Meier (J Am Stat Assoc 1958;53:457-481) with "
        f"{100 * options.confidence_level:g} % intervals of type {options.interval} from {variance}."
    )
    yield (
        f"Medians, means and their errors follow the conventions of {PACKAGES[options.convention.name]}; the standard "
        "error of a quantile is that of survival over the density in a window of 0.05 (Collett, Modelling Survival "
        "Data in Medical Research, 2015, section 2.4)."
    )
    yield FOLLOW_UP


def hazard_ratio_method(options: SurvivalOptions, *, stratified: bool = False) -> str:
    """Return how groups were compared beyond tests."""
    horizon = "the shortest of the groups' follow-ups" if options.horizon is None else f"{options.horizon:.15g}"
    return (
        f"Hazard ratios are those of a {'stratified ' if stratified else ''}Cox model with "
        f"{options.convention.ties.capitalize()}'s treatment of ties; restricted means were compared up to {horizon} "
        "(Royston and Parmar, BMC Med Res Methodol 2013;13:152)."
    )


def test_method(test: SurvivalTest) -> str:
    """Return the name of a test, with its source."""
    if isinstance(test, Trend):
        scores = "1, 2, .." if test.scores is None else ", ".join(f"{score:g}" for score in test.scores)
        return f"log-rank test for trend with scores {scores} (Tarone, Biometrika 1975;62:679-682)"
    if isinstance(test, MaxCombo):
        return (
            "max-combo test of the Fleming-Harrington weights (0, 0), (1, 0), (0, 1) and (1, 1) (Lin et al., Stat "
            "Biopharm Res 2020;12:187-198)"
        )
    return WEIGHTED_TESTS[test.name].format(rho=test.rho, gamma=test.gamma)


def comparison_methods(
    observations: Observations, options: SurvivalOptions, comparison: ComparisonOptions
) -> Iterator[str]:
    """Yield how the groups of a sample were compared."""
    robust = ROBUST_SCORE.format(unit="subject" if observations.sampling else "cluster")
    # With sampling weights the others do not exist.
    asked = [] if observations.sampling else comparison.tests
    tests = [*map(test_method, asked), *([robust] if observations.cluster is not None else [])]
    strata = "" if observations.stratum is None else ", stratified"
    if tests:
        yield f"Survival of groups was compared by the {'; the '.join(tests)}{strata}."
    if comparison.pairwise is not None:
        test = pairwise_test(observations, comparison)
        yield (
            f"Pairs of groups were compared by the {robust if test is None else test_method(test)}{strata}; p values "
            f"are {ADJUSTMENTS[comparison.pairwise]}."
        )
    yield hazard_ratio_method(options, stratified=observations.stratum is not None)
    yield "Proportional hazards were tested by the score test of Grambsch and Therneau (Biometrika 1994;81:515-526)."
