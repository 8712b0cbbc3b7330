"""The outcomes of a cohort as a report: what the JSON answer has and a clinician reads."""

from dataclasses import dataclass, replace

from app.cohort.notes import methods, warnings
from app.cohort.outcomes import Outcomes
from app.rendering.document import Block, Cell, Document, Listed, Paragraph, Rows, Section, Table, numbered
from app.rendering.report_endpoints import endpoint_section, estimate_blocks
from app.rendering.report_lesions import (
    cohort_section,
    follow_up_section,
    recurrence_section,
    safety_section,
    success_section,
)
from app.rendering.sentences import paragraphs
from app.rendering.words import in_line

UNNAMED = "Outcomes of a treatment cohort"
LONGEST_TITLE = 120
"""Characters of a cohort's name that make a title; a longer one is the first paragraph."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """What answered which request."""

    cohort_name: str
    service: str
    input_sha256: str


def outcome_report(outcomes: Outcomes, provenance: Provenance, *, drawn: bool) -> Document:
    """Return the report of outcomes; with figures if they are to be drawn."""
    name = in_line(provenance.cohort_name)
    titled = 0 < len(name) <= LONGEST_TITLE
    sections = [
        Section("Summary", [Paragraph(" ".join(sentences)) for sentences in paragraphs(outcomes)]),
        Section("Warnings", [_warnings(outcomes)]),
        cohort_section(outcomes),
        success_section(outcomes),
        recurrence_section(outcomes, _local_progression(outcomes, drawn=drawn)),
        safety_section(outcomes),
        follow_up_section(outcomes),
        *(endpoint_section(result, outcomes, drawn=drawn) for result in outcomes.endpoints),
        Section("Methods", [Listed(methods(outcomes.options))]),
        Section("Provenance", [_provenance(outcomes, provenance)]),
    ]
    return Document(name if titled else UNNAMED, [Paragraph(name)] if name and not titled else [], numbered(sections))


def _warnings(outcomes: Outcomes) -> Block:
    found = warnings(outcomes)
    return Listed([one.detail for one in found]) if found else Paragraph("None.")


def _local_progression(outcomes: Outcomes, *, drawn: bool) -> list[Block]:
    """Return the cumulative incidence of local recurrence, or where it is shown."""
    result = outcomes.local_progression
    if result.endpoint.name in outcomes.options.endpoints:
        return [Paragraph("The end point local progression has its cumulative incidence.")]
    return estimate_blocks(replace(result, groupings=[]), outcomes, drawn=drawn)


def _provenance(outcomes: Outcomes, provenance: Provenance) -> Table:
    options = outcomes.options
    rows = [
        ("Service", provenance.service),
        ("SHA-256 of the request's canonical JSON (RFC 8785)", provenance.input_sha256),
        ("Convention", options.survival.convention.name),
        ("Confidence level", f"{options.survival.confidence_level:g}"),
        ("Interval of survival", options.survival.interval),
        ("Interval of cumulative incidence", options.incidence_interval),
        ("Interval of proportions", options.tables.interval),
        ("Time unit", outcomes.cohort.time_unit),
        ("Patients in the request", f"{len(outcomes.cohort.patients)}"),
        ("Patients used", f"{len(outcomes.cohort.patients)}"),
    ]
    return Table(
        "What this report is made by and of.", ["", "Value"], [Rows("", [[*map(Cell, row)] for row in rows])], words=2
    )
