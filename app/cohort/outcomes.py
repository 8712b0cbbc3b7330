"""The outcome summary of a treatment cohort: what a results section reports."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from app.analysis.comparison import Comparison, ComparisonOptions, compare_survival
from app.analysis.competing_risks import IncidenceEstimate, estimate_incidences
from app.analysis.follow_up import FollowUp, follow_up
from app.analysis.gray import gray_tests
from app.analysis.hypothesis_test import HypothesisTest
from app.analysis.intervals import ConfidenceType
from app.analysis.observations import Observations
from app.analysis.success_rates import TableOptions
from app.analysis.survival import SurvivalEstimate, SurvivalOptions, estimate_samples
from app.cohort.endpoint_rows import EndpointRows, derive_endpoint
from app.cohort.endpoints import ENDPOINTS, Endpoint, EndpointName
from app.cohort.groupings import Grouping, Groups, assign_groups
from app.cohort.lesion_tables import LocalRecurrence, TechnicalSuccess, local_recurrence, technical_success
from app.cohort.model import Cohort
from app.cohort.safety import Safety, describe_safety


@dataclass(frozen=True, slots=True)
class OutcomeOptions:
    """What of a cohort is summarised, and how."""

    survival: SurvivalOptions
    tables: TableOptions
    comparison: ComparisonOptions = field(default_factory=ComparisonOptions)
    incidence_interval: ConfidenceType = "log-log"
    endpoints: Sequence[EndpointName] = ("overall_survival", "local_progression")
    groupings: Sequence[Grouping] = ()
    periprocedural_days: float = 30


@dataclass(frozen=True, slots=True)
class Sample:
    """The estimates of one sample; `incidence` is None where no competing event can occur."""

    label: str
    survival: SurvivalEstimate
    incidence: IncidenceEstimate | None


@dataclass(frozen=True, slots=True)
class EndpointGrouping:
    """An end point by group; `empty` are the groups without a row, `gray` is one test a cause."""

    name: str
    excluded: int
    empty: tuple[str, ...]
    groups: list[Sample]
    comparison: Comparison | None
    gray: list[HypothesisTest] | None


@dataclass(frozen=True, slots=True)
class _GroupedRows:
    """The rows of an end point by a grouping: the groups without a row, and the sample of the others, by `labels`."""

    name: str
    excluded: int
    empty: tuple[str, ...]
    labels: list[str]
    observations: Observations | None


@dataclass(frozen=True, slots=True)
class EndpointResult:
    """An end point estimated; `overall` is None where every unit is left out."""

    endpoint: Endpoint
    excluded: dict[str, int]
    overall: Sample | None
    groupings: list[EndpointGrouping]


@dataclass(frozen=True, slots=True)
class Outcomes:
    """The whole outcome summary of a cohort."""

    cohort: Cohort
    options: OutcomeOptions
    technical_success: TechnicalSuccess
    local_recurrence: LocalRecurrence
    local_progression: EndpointResult
    safety: Safety
    follow_up: FollowUp
    endpoints: list[EndpointResult]


def summarize_outcomes(cohort: Cohort, options: OutcomeOptions) -> Outcomes:
    """Return success rates, recurrences, safety, follow-up and the time-to-event end points of a cohort.

    Groupings of patients apply to patients and, through them, to their lesions; groupings of lesions to lesions.

    Examples
    --------
    >>> from app.analysis.conventions import CONVENTIONS
    >>> from app.cohort.model import Lesion, Patient, Session
    >>> patients = tuple(
    ...     Patient(f"P{time}", time, died, time, (Session("S", 0.0),), (Lesion("L", 0.0, True, True),))
    ...     for time, died in ((4.0, True), (9.0, False), (16.0, True))
    ... )
    >>> options = OutcomeOptions(SurvivalOptions(CONVENTIONS["r"]), TableOptions())
    >>> outcomes = summarize_outcomes(Cohort(patients), options)
    >>> outcomes.technical_success.primary.count, outcomes.endpoints[0].overall.survival.median.estimate
    (3, 16.0)
    """
    groupings = [assign_groups(cohort, grouping) for grouping in options.groupings]
    results = {name: estimate_endpoint(cohort, ENDPOINTS[name], groupings, options) for name in options.endpoints}
    return Outcomes(
        cohort,
        options,
        technical_success(cohort, groupings, options.tables),
        local_recurrence(cohort, groupings, options.tables),
        results.get("local_progression") or estimate_endpoint(cohort, ENDPOINTS["local_progression"], (), options),
        describe_safety(cohort, options.periprocedural_days, options.tables.confidence_level, options.tables.interval),
        _follow_up(cohort, results.get("overall_survival"), options.survival),
        [results[name] for name in options.endpoints],
    )


def _follow_up(cohort: Cohort, survival: EndpointResult | None, options: SurvivalOptions) -> FollowUp:
    """Return that of the patients, as their survival, where it was estimated, has it already."""
    if survival is not None and survival.overall is not None:
        return survival.overall.survival.follow_up
    sample = derive_endpoint(cohort, ENDPOINTS["overall_survival"]).observations()
    return follow_up(sample, options.convention, options.confidence_level, options.interval)


def estimate_endpoint(
    cohort: Cohort, endpoint: Endpoint, groupings: Sequence[Groups], options: OutcomeOptions
) -> EndpointResult:
    """Estimate an end point over its units, and by each grouping that applies to them.

    Where another event can come first, survival takes it as a censoring, and the cumulative incidences of the causes
    stand beside it.
    """
    rows = derive_endpoint(cohort, endpoint)
    if not rows.rows:
        return EndpointResult(endpoint, rows.excluded, None, [])
    applicable = ((groups, groups.codes(endpoint.unit)) for groups in groupings)
    grouped = [_grouped(groups, codes, rows) for groups, codes in applicable if codes is not None]
    overall, *samples = _estimates(("all", *(label for one in grouped for label in one.labels)), rows, grouped, options)
    found = iter(samples)
    return EndpointResult(
        endpoint,
        rows.excluded,
        overall,
        [_by_group(one, list(islice(found, len(one.labels))), endpoint, options) for one in grouped],
    )


def _grouped(groups: Groups, codes: list[int], rows: EndpointRows) -> _GroupedRows:
    used = [codes[row.unit] for row in rows.rows if codes[row.unit] >= 0]
    # Groups without a row have no estimate: the others are coded anew without them.
    present = {code: place for place, code in enumerate(sorted(set(used)))}
    empty = tuple(label for code, label in enumerate(groups.labels) if code not in present)
    return _GroupedRows(
        groups.grouping.name,
        len(rows.rows) - len(used),
        empty,
        [groups.labels[code] for code in present],
        rows.observations([present.get(code, -1) for code in codes]) if present else None,
    )


def _estimates(
    labels: Iterable[str], rows: EndpointRows, grouped: Sequence[_GroupedRows], options: OutcomeOptions
) -> list[Sample]:
    """Return the estimates of all rows, and of each group of each grouping."""
    endpoint, whole = rows.endpoint, rows.observations()
    samples, largest = [whole], [float(whole.time[-1])]
    for one in grouped:
        if one.observations is not None:
            samples += one.observations.split(len(one.labels))
            largest += [float(one.observations.time[-1])] * len(one.labels)
    survival = estimate_samples(
        samples, options.survival, cause=endpoint.cause_of_interest, largest_times_of_all=largest
    )
    incidences: Sequence[IncidenceEstimate | None] = [None] * len(samples)
    if endpoint.has_competing_events:
        incidences = estimate_incidences(samples, len(endpoint.causes), options.survival, options.incidence_interval)
    return [Sample(*figures) for figures in zip(labels, survival, incidences, strict=True)]


def _by_group(
    grouped: _GroupedRows, samples: list[Sample], endpoint: Endpoint, options: OutcomeOptions
) -> EndpointGrouping:
    result = EndpointGrouping(grouped.name, grouped.excluded, grouped.empty, samples, None, None)
    if grouped.observations is None or len(samples) == 1:
        return result
    comparison = compare_survival(
        grouped.observations,
        [sample.survival for sample in samples],
        options.survival,
        options.comparison,
        cause=endpoint.cause_of_interest,
    )
    gray = None
    if endpoint.has_competing_events:
        gray = gray_tests(grouped.observations, len(samples), range(1, len(endpoint.causes) + 1))
    return replace(result, comparison=comparison, gray=gray)
