"""The results section in sentences, each figure taken from the outcomes."""

import math
from collections.abc import Iterator, Sequence

from app.analysis.competing_risks import IncidenceEstimate
from app.analysis.hypothesis_test import HypothesisTest
from app.analysis.proportions import Proportion
from app.analysis.quantiles import Quantile
from app.analysis.survival import SurvivalEstimate
from app.cohort.lesion_tables import GroupedProportions
from app.cohort.outcomes import EndpointGrouping, EndpointResult, Outcomes
from app.rendering.words import NOT_ESTIMABLE, NOT_REACHED, counted, level_of, p_value, percent

TEST_NAMES = {
    "fisher": "Fisher's exact test",
    "chi-squared": "chi-squared test",
    "trend": "Cochran-Armitage test for trend",
    "log-rank": "log-rank test",
    "robust-score": "score test clustered by patient",
    "gray": "Gray's test",
}


def summarize(outcomes: Outcomes) -> list[str]:
    """Return the outcomes of a cohort as the sentences of a results section."""
    return [sentence for paragraph in paragraphs(outcomes) for sentence in paragraph]


def paragraphs(outcomes: Outcomes) -> list[list[str]]:
    """Return the same sentences by what they are about; nothing is said of an end point without an estimate."""
    found = [
        _treatment(outcomes),
        _recurrence(outcomes),
        _safety(outcomes),
        _follow_up(outcomes),
        *(_endpoint(result, outcomes) for result in outcomes.endpoints),
    ]
    return [sentences for sentences in map(list, found) if sentences]


def _treatment(outcomes: Outcomes) -> Iterator[str]:
    cohort = outcomes.cohort
    yield (
        f"{counted(len(cohort.patients), 'patient')} with {counted(len(cohort.lesions()), 'lesion')} "
        f"{'was' if len(cohort.patients) == 1 else 'were'} treated in {counted(len(cohort.sessions()), 'session')}."
    )
    success = outcomes.technical_success
    level = _level(outcomes)
    yield (
        f"Primary technical success was {_proportion(success.primary, level)}, "
        f"secondary technical success {_proportion(success.secondary, level)}."
    )
    for name, overall, groupings in (
        ("Primary", success.primary, success.primary_groupings),
        ("Secondary", success.secondary, success.secondary_groupings),
    ):
        if overall.count < overall.total:
            yield from (_by_group(f"{name} technical success", table) for table in groupings)


def _recurrence(outcomes: Outcomes) -> Iterator[str]:
    recurrence = outcomes.local_recurrence
    left_out = sum(recurrence.excluded.values())
    residual = f"; {counted(left_out, 'lesion')} never completely ablated left out" if left_out else ""
    yield (
        f"Lesions with local recurrence: {_proportion(recurrence.lesions, _level(outcomes))}, "
        f"in {recurrence.patients.count}/{recurrence.patients.total} patients{residual}."
    )
    yield from (_by_group("Local recurrence", table) for table in recurrence.groupings)


def _by_group(what: str, table: GroupedProportions) -> str:
    groups = [
        f"{one.count}/{one.total} ({percent(one.proportion)}) for {label}"
        for label, one in zip(table.labels, table.proportions, strict=True)
    ]
    return f"{what} by {table.name}: {', '.join(groups) or 'no lesion with a value'}{_tests(table.tests)}."


def _safety(outcomes: Outcomes) -> Iterator[str]:
    safety, level = outcomes.safety, _level(outcomes)
    days = counted(outcomes.options.periprocedural_days, "day")
    deaths = safety.periprocedural_deaths
    if deaths.count == 0:
        upper = percent(deaths.upper)
        yield f"No patient died of the procedure or within {days} (0/{deaths.total}; upper limit {upper})."
    else:
        yield f"Patients who died of the procedure or within {days}: {_proportion(deaths, level)}."
    early, late = safety.mortality_30_day, safety.mortality_90_day
    unknown = f"; {early.unknown} and {late.unknown} patients were followed for less" if late.unknown else ""
    yield (
        f"Mortality within 30 days of the first session was {_proportion(early.proportion, level)}, "
        f"within 90 days {_proportion(late.proportion, level)}{unknown}."
    )
    sessions = safety.sessions_with_complications
    if sessions.count:
        yield f"Sessions with complications: {_proportion(sessions, level)}."


def _follow_up(outcomes: Outcomes) -> Iterator[str]:
    found, unit = outcomes.follow_up, outcomes.cohort.time_unit
    reverse = found.reverse_kaplan_meier.estimate
    potential = "was not reached" if math.isnan(reverse) else f"was {reverse:.1f} {unit}"
    yield (
        f"Median follow-up was {found.median:.1f} {unit} (mean {found.mean:.1f}; range {found.minimum:.1f}-"
        f"{found.maximum:.1f}); the reverse Kaplan-Meier median {potential}."
    )


def _endpoint(result: EndpointResult, outcomes: Outcomes) -> Iterator[str]:
    if result.overall is None:
        return
    if result.overall.incidence is not None:
        yield from _incidences(result, result.overall.survival, result.overall.incidence, outcomes)
    else:
        yield from _medians(result, result.overall.survival, outcomes)


def _medians(result: EndpointResult, survival: SurvivalEstimate, outcomes: Outcomes) -> Iterator[str]:
    name, unit = result.endpoint.in_words, outcomes.cohort.time_unit
    yield (
        f"Median {name} was {_quantile(survival.median, unit, _level(outcomes))}, "
        f"with {counted(survival.events, 'event')} among {counted(survival.subjects, result.endpoint.unit)}."
    )
    rates = [f"{percent(rate.survival)} at {rate.time:g} {unit}" for rate in survival.rates]
    if rates:
        yield f"{name.capitalize()} was {', '.join(rates)}."
    for grouping in result.groupings:
        medians = [f"{_quantile(sample.survival.median, unit, '')} for {sample.label}" for sample in grouping.groups]
        yield f"Median {name} by {grouping.name}: {', '.join(medians) or 'no unit with a value'}{_compared(grouping)}."


def _incidences(
    result: EndpointResult, survival: SurvivalEstimate, incidence: IncidenceEstimate, outcomes: Outcomes
) -> Iterator[str]:
    event, competing, unit = result.endpoint.in_words, result.endpoint.causes[1], outcomes.cohort.time_unit
    what = f"Cumulative incidence of {event}"
    rates = [f"{percent(rate.cumulative_incidence)} at {rate.time:g} {unit}" for rate in incidence.rates[0]]
    if rates:
        yield f"{what} was {', '.join(rates)}, {competing} competing."
    else:
        first, other = (f"{events.sum():.15g}" for events in incidence.curves.events)
        among = counted(survival.subjects, result.endpoint.unit)
        yield f"{event.capitalize()} came first in {first} of {among}, {competing} in {other}."
    for grouping in result.groupings:
        yield f"{what} by {grouping.name}{_last_rates(grouping, unit)}{_compared(grouping)}."


def _last_rates(grouping: EndpointGrouping, unit: str) -> str:
    """Return the incidence of each group at the last landmark."""
    last = [
        (sample.label, sample.incidence.rates[0][-1])
        for sample in grouping.groups
        if sample.incidence is not None and sample.incidence.rates[0]
    ]
    rates = [f"{percent(rate.cumulative_incidence)} for {label}" for label, rate in last]
    return f" at {last[0][1].time:g} {unit}: {', '.join(rates)}" if last else ""


def _compared(grouping: EndpointGrouping) -> str:
    tests = list(grouping.comparison.tests) if grouping.comparison else []
    return _tests([*tests, *(grouping.gray or [])[:1]])


def _tests(tests: Sequence[HypothesisTest]) -> str:
    named = [f"{TEST_NAMES[test.name]} {p_value(test.p_value)}" for test in tests]
    return f" ({'; '.join(named)})" if named else ""


def _quantile(quantile: Quantile, unit: str, level: str) -> str:
    if math.isnan(quantile.estimate):
        return NOT_REACHED
    error = "" if math.isnan(quantile.standard_error) else f" +- {quantile.standard_error:.1f}"
    interval = f" ({level} {_limits(quantile)})" if level else ""
    return f"{quantile.estimate:.1f}{error} {unit}{interval}"


def _limits(quantile: Quantile) -> str:
    if math.isnan(quantile.lower):
        return NOT_ESTIMABLE
    return f"{quantile.lower:.1f}-" + (NOT_REACHED if math.isnan(quantile.upper) else f"{quantile.upper:.1f}")


def _proportion(proportion: Proportion, level: str) -> str:
    interval = f"; {level} {100 * proportion.lower:.1f}-{percent(proportion.upper)}" if proportion.total else ""
    return f"{proportion.count}/{proportion.total} ({percent(proportion.proportion)}{interval})"


def _level(outcomes: Outcomes) -> str:
    return level_of(outcomes.options.survival.confidence_level)
