"""Between the wire and proportions: counts or rows to the core, estimates, tests and differences to the response."""

from collections.abc import Sequence

import numpy as np

from app.analysis.proportion_notes import proportion_methods, proportion_warnings
from app.analysis.success_rates import SuccessRates, TableOptions, summarize_counts, summarize_units
from app.analysis.two_proportions import ProportionDifference
from app.api import convert
from app.api.convert_subjects import codes
from app.schemas import success_rates as wire
from app.schemas.common import Meta
from app.schemas.subjects import Category, label


def answer(request: wire.SuccessRatesRequest, input_sha256: str) -> wire.SuccessRatesResponse:
    """Return the proportions that a request asks for."""
    names, options = wire.group_names(request), table_options(request)
    rates, labels = success_rates(request, names, options), [label(name) for name in names]
    return wire.SuccessRatesResponse(
        meta=Meta(
            service=convert.service(),
            convention="r",
            confidence_level=request.confidence_level,
            confidence_type=None,
            time_unit=None,
            input_sha256=input_sha256,
            subjects_in=rates.overall.total,
            subjects_used=rates.overall.total,
            excluded=[],
            warnings=convert.cautions(proportion_warnings(rates, labels, options.tests)),
            methods=[*proportion_methods(rates, options)],
        ),
        overall=convert.proportion(rates.overall),
        groups=[
            wire.SuccessRate(label=name, **dict(convert.proportion(group)))
            for name, group in zip(labels, rates.groups, strict=True)
        ],
        tests=[convert.test(test) for test in rates.tests],
        differences=[difference(one, labels[0], name) for one, name in zip(rates.differences, labels[1:], strict=True)],
    )


def table_options(request: wire.SuccessRatesRequest) -> TableOptions:
    """Return how proportions are to be estimated and compared, in the words of the core."""
    tests = ("fisher",) if request.tests is None else tuple(request.tests)
    return TableOptions(request.confidence_level, request.interval, tests, request.scores)


def success_rates(request: wire.SuccessRatesRequest, groups: Sequence[Category], options: TableOptions) -> SuccessRates:
    """Return the proportions of a request, its groups in the order of `groups`."""
    subjects = request.subjects
    if subjects is None:
        return summarize_counts([(group.successes, group.total) for group in request.groups or ()], options)
    return summarize_units(
        np.array(subjects.success, dtype=bool),
        options,
        group=codes(subjects.group, groups),
        cluster=None if subjects.cluster is None else np.array(subjects.cluster.codes),
    )


def difference(result: ProportionDifference, first: str, second: str) -> wire.ProportionDifference:
    """Return two groups compared."""
    adjusted = result.cluster_adjusted
    ratios = {
        name + end: convert.number(figure)
        for name, ratio in (("odds_ratio", result.odds_ratio), ("relative_risk", result.relative_risk))
        for end, figure in (("", ratio.estimate), ("_lower", ratio.lower), ("_upper", ratio.upper))
    }
    return wire.ProportionDifference(
        first=first,
        second=second,
        **convert.figures(result, "odds_ratio", "relative_risk", "cluster_adjusted"),
        **ratios,
        cluster_adjusted=None if adjusted is None else wire.ClusterAdjustedDifference(**convert.figures(adjusted)),
    )
