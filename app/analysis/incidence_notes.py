"""What a careful statistician adds to cumulative incidences: the methods in sentences, and warnings."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from app.analysis.competing_risks import IncidenceEstimate
from app.analysis.intervals import ConfidenceType
from app.analysis.landmarks import BEYOND_FOLLOW_UP
from app.analysis.observations import Observations
from app.analysis.survival_notes import (
    DELAYED_ENTRY,
    FEW_CLUSTERS,
    FEW_EVENTS,
    JACKKNIFE,
    SENTENCES,
    Caution,
    Found,
    cautions,
)

AALEN_JOHANSEN = "the method of Aalen and Johansen (Scand J Stat 1978;5:141-150)"
AALEN_VARIANCE = (
    "Aalen's variance by the delta method (Andersen et al., Statistical Models Based on Counting Processes, 1993)"
)
GRAY = "Gray's test (Ann Stat 1988;16:1141-1154)"

INCIDENCE_SENTENCES = {
    "few_events": SENTENCES["few_events"],
    "group_without_events": "No events, so that the incidence is 0, with no interval that says how sure that is: {}.",
    "carried_forward": SENTENCES["carried_forward"].replace("Survival was", "Incidence was"),
    "risk_set_emptied": SENTENCES["risk_set_emptied"],
    "few_clusters": SENTENCES["few_clusters"],
    "rows_as_independent": "Gray's test takes the rows of a cluster as independent: {}.",
}


def incidence_method(confidence_level: float, confidence_type: ConfidenceType, variance: str) -> str:
    """Return how cumulative incidences were estimated."""
    return (
        f"Cumulative incidences were estimated by {AALEN_JOHANSEN} with {100 * confidence_level:g} % intervals of type "
        f"{confidence_type} from {variance}."
    )


def incidence_methods(
    observations: Observations, confidence_level: float, confidence_type: ConfidenceType, *, compared: bool
) -> Iterator[str]:
    """Yield how the incidences of a sample came about, in sentences with their references."""
    variance = AALEN_VARIANCE
    if observations.cluster is not None:
        variance = JACKKNIFE.format(unit="sampling weights" if observations.sampling else "clusters")
    yield incidence_method(confidence_level, confidence_type, variance)
    yield (
        "Events of all causes come before censorings at the same time; times that differ by rounding alone are one. "
        "The median of a cause is the first time at which its incidence reaches 0.5."
    )
    if observations.entry is not None:
        yield DELAYED_ENTRY
    if compared:
        strata = "" if observations.stratum is None else ", stratified"
        yield f"Cumulative incidences of groups were compared by {GRAY}{strata}."


def incidence_warnings(
    observations: Observations, groups: Mapping[str, IncidenceEstimate], causes: Sequence[str]
) -> list[Caution]:
    """Return what should be said aloud about incidences by group, each warning once."""
    return cautions(_cautions(observations, groups, causes), INCIDENCE_SENTENCES)


def _cautions(
    observations: Observations, groups: Mapping[str, IncidenceEstimate], causes: Sequence[str]
) -> Iterator[Found]:
    for label, estimate in groups.items():
        sample = estimate.curves.curve.observations
        for place, cause in enumerate(causes):
            rows = sample.weights if not sample.sampling else np.ones(sample.size)
            events = float(np.sum(rows[sample.cause == place + 1]))
            if events < FEW_EVENTS:
                yield "few_events" if events else "group_without_events", f"{label} ({cause})"
        last, free = estimate.curves.curve.time[-1], estimate.curves.curve.survival[-1]
        if free > 0 and any(rate.time > last and rate.reason != BEYOND_FOLLOW_UP for rate in estimate.event_free_rates):
            yield "carried_forward", f"rates of {label}"
        if (estimate.curves.curve.survival[:-1] == 0).any():
            yield "risk_set_emptied", label
    if observations.cluster is not None and np.unique(observations.cluster).size < FEW_CLUSTERS:
        yield "few_clusters", "overall"
    if observations.cluster is not None and len(groups) > 1 and not observations.sampling:
        yield "rows_as_independent", ", ".join(causes)
