"""Between the wire and recurrent events: request to sample and options, summary to response."""

from collections.abc import Sequence

from app.analysis import recurrence_summary as core
from app.analysis.conventions import CONVENTIONS
from app.analysis.curve_points import kept_points, since_last
from app.analysis.mean_cumulative_count import MeanCumulativeCount
from app.analysis.rates import RateRatio
from app.analysis.recurrence_notes import recurrence_methods, recurrence_warnings
from app.analysis.recurrent import Recurrences, observe_recurrences
from app.analysis.survival import SurvivalOptions
from app.api import convert
from app.api.convert_competing_risks import ALL, incidence_group
from app.api.convert_subjects import codes
from app.schemas import recurrences as wire
from app.schemas.common import CurveChoice
from app.schemas.flat_request import group_labels
from app.schemas.subjects import Category, label


def answer(request: wire.RecurrencesRequest, input_sha256: str) -> wire.RecurrencesResponse:
    """Return the recurrences that a request asks for."""
    groups, options = group_labels(request), recurrence_options(request)
    sample = observations(request, groups)
    summary = core.summarize_recurrences(sample, len(groups), options)
    labels = [label(group) for group in groups] or [ALL]
    by_label = dict(zip(labels, summary.groups, strict=True))
    return wire.RecurrencesResponse(
        meta=convert.meta(
            request,
            input_sha256,
            confidence_type=request.confidence_type,
            subjects_in=sample.counts.size,
            subjects_used=sample.counts.size,
            excluded={},
            warnings=recurrence_warnings(by_label),
            methods=recurrence_methods(sample, options, compared=summary.comparison is not None),
        ),
        groups=[recurrence_group(one, name, options, curve=request.curve) for name, one in by_label.items()],
        comparison=None if summary.comparison is None else comparison(summary.comparison, labels),
    )


def observations(request: wire.RecurrencesRequest, groups: Sequence[Category]) -> Recurrences:
    """Return the sample of a request, its groups coded by their place among `groups`."""
    subjects = request.subjects
    return observe_recurrences(
        codes(subjects.id, dict.fromkeys(subjects.id)),
        subjects.time,
        subjects.event,
        terminal=subjects.terminal,
        entry=subjects.entry,
        group=codes(subjects.group, groups),
        cluster=None if subjects.cluster is None else subjects.cluster.codes,
    )


def recurrence_options(request: wire.RecurrencesRequest) -> core.RecurrenceOptions:
    """Return how recurrences are to be estimated, in the words of the core."""
    return core.RecurrenceOptions(
        SurvivalOptions(CONVENTIONS[request.convention], request.confidence_level, landmarks=tuple(request.landmarks)),
        request.confidence_type,
        request.count_confidence_type,
        request.per,
        request.subjects.terminal is not None,
    )


def recurrence_group(
    result: core.RecurrenceEstimate, name: str, options: core.RecurrenceOptions, *, curve: CurveChoice
) -> wire.RecurrenceGroup:
    """Return the recurrences of a group."""
    causes = ["recurrence", "death"] if options.with_death else ["recurrence"]
    return wire.RecurrenceGroup(
        label=name,
        subjects=result.subjects,
        subjects_with_recurrence=result.subjects_with_recurrence,
        recurrences=result.recurrences,
        deaths=result.deaths,
        counts=[wire.RecurrenceCount(recurrences=count, subjects=had) for count, had in result.counts.items()],
        person_time=result.person_time,
        rate=wire.RecurrenceRate(**convert.figures(result.rate)),
        mean_cumulative_count=mean_cumulative_count(result.mean_cumulative_count, curve),
        landmarks=[wire.MeanCumulativeCountAt(**convert.figures(one)) for one in result.landmarks],
        first_recurrence=incidence_group(result.first_recurrence, name, causes, curve=curve),
    )


def mean_cumulative_count(result: MeanCumulativeCount, option: CurveChoice) -> wire.MeanCumulativeCountCurve | None:
    """Return what of a mean cumulative count was asked for."""
    if option == "none":
        return None
    kept = kept_points(result.time, convert.max_points(option))
    return wire.MeanCumulativeCountCurve(
        time=convert.numbers(result.time[kept]),
        at_risk=convert.numbers(result.at_risk[kept]),
        events=convert.numbers(since_last(result.events, kept)),
        estimate=convert.numbers(result.estimate[kept]),
        standard_error=convert.numbers(result.standard_error[kept]),
        lower=convert.numbers(result.lower[kept]),
        upper=convert.numbers(result.upper[kept]),
    )


def comparison(result: core.RecurrenceComparison, labels: Sequence[str]) -> wire.RecurrenceComparison:
    """Return the comparison of groups."""

    def named(ratio: RateRatio, name: str) -> wire.RateRatio:
        return wire.RateRatio(label=name, reference=labels[0], **convert.figures(ratio))

    return wire.RecurrenceComparison(
        rate_ratios=[named(ratio, name) for ratio, name in zip(result.rate_ratios, labels[1:], strict=True)],
        mean_cumulative_count_test=convert.test(result.test),
    )
