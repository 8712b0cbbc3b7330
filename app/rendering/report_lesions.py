"""The sections of a report that count: cohort, technical success, local recurrence, safety, follow-up."""

from collections.abc import Iterator

import numpy as np

from app.cohort.outcomes import Outcomes
from app.rendering.cells import capitalized, quantile_cell, whole
from app.rendering.document import Block, Cell, Paragraph, Rows, Section, Table
from app.rendering.report_tables import left_out, proportion_table, test_tables
from app.rendering.words import counted, level_of, significant

PRIMARY, SECONDARY = "Primary: completely ablated at the first attempt", "Secondary: after all attempts"


def cohort_section(outcomes: Outcomes) -> Section:
    """Return who was treated."""
    cohort = outcomes.cohort
    lesions = np.array([len(patient.lesions) for patient in cohort.patients])
    rows = [
        ("Patients", f"{len(cohort.patients)}"),
        ("Sessions", f"{len(cohort.sessions())}"),
        ("Lesions", f"{lesions.sum()}"),
        ("Lesions a patient: mean", significant(float(lesions.mean()))),
        ("Lesions a patient: median (range)", f"{np.median(lesions):g} ({lesions.min()} to {lesions.max()})"),
    ]
    return Section("Cohort", [_pairs("The cohort.", rows)])


def success_section(outcomes: Outcomes) -> Section:
    """Return technical success, overall and by group."""
    success, level = outcomes.technical_success, _level(outcomes)
    kinds = (
        ("primary", success.primary, success.primary_groupings),
        ("secondary", success.secondary, success.secondary_groupings),
    )
    blocks: list[Block] = [Paragraph(f"{PRIMARY}. {SECONDARY}.")]
    for name, overall, groupings in kinds:
        blocks.append(
            proportion_table(
                f"{capitalized(name)} technical success, by lesion.", level, [("All lesions", overall)], groupings
            )
        )
    tests = [
        (f"{capitalized(name)} success by {table.name}", table.tests)
        for name, _, groupings in kinds
        for table in groupings
    ]
    return Section("Technical success", [*blocks, *test_tables("Tests of equal technical success of groups.", tests)])


def recurrence_section(outcomes: Outcomes, incidence: list[Block]) -> Section:
    """Return local recurrence, counted; `incidence` is shown after it."""
    found = outcomes.local_recurrence
    blocks: list[Block] = [
        proportion_table(
            "Lesions, and patients, with a local recurrence.",
            _level(outcomes),
            [("All lesions", found.lesions), ("All patients", found.patients)],
            found.groupings,
        )
    ]
    tests = [(f"By {table.name}", table.tests) for table in found.groupings]
    counts = [[whole(recurrences), whole(lesions)] for recurrences, lesions in found.counts.items()]
    if counts:
        blocks.append(Table("Lesions by their number of recurrences.", ["Recurrences", "Lesions"], [Rows("", counts)]))
    totals = f"{capitalized(counted(found.recurrences, 'recurrence'))} in all, {found.retreated} ablated again."
    sentences = Paragraph(f"{left_out(found.excluded, 'lesion')} {totals}")
    test_blocks = test_tables("Tests of equal shares of lesions with a local recurrence.", tests)
    return Section("Local recurrence", [sentences, *blocks, *test_blocks, *incidence])


def safety_section(outcomes: Outcomes) -> Section:
    """Return deaths around the treatment, and complications."""
    safety, days = outcomes.safety, outcomes.options.periprocedural_days
    rows = [
        (f"Died of the procedure or within {counted(days, 'day')} of a session", safety.periprocedural_deaths),
        ("Died within 30 days of the first session", safety.mortality_30_day.proportion),
        ("Died within 90 days of the first session", safety.mortality_90_day.proportion),
        ("Sessions with complications", safety.sessions_with_complications),
    ]
    unknown = [
        f"{counted(mortality.unknown, 'patient')} followed for less than {length} days "
        f"{'is' if mortality.unknown == 1 else 'are'} left out of the deaths within {length} days."
        for length, mortality in ((30, safety.mortality_30_day), (90, safety.mortality_90_day))
        if mortality.unknown
    ]
    blocks: list[Block] = [proportion_table("Deaths and complications.", _level(outcomes), rows)]
    blocks += [Paragraph(" ".join(unknown))] if unknown else []
    return Section("Safety", [*blocks, *_complications(safety.complications)])


def _complications(counts: dict[tuple[str, str], int]) -> Iterator[Block]:
    rows = [[Cell(system), Cell(grade), whole(count)] for (system, grade), count in counts.items()]
    if rows:
        header = ["Classification", "Grade", "Complications"]
        yield Table("Complications by grade.", header, [Rows("", rows)], words=2)
    else:
        yield Paragraph("No complication was recorded.")


def follow_up_section(outcomes: Outcomes) -> Section:
    """Return how long the patients were followed."""
    found, unit = outcomes.follow_up, outcomes.cohort.time_unit
    quartiles = f"{found.lower_quartile:.1f} to {found.upper_quartile:.1f}"
    observed = [
        ("Patients", f"{len(outcomes.cohort.patients)}"),
        (f"Median (quartiles), {unit}", f"{found.median:.1f} ({quartiles})"),
        (f"Mean, {unit}", f"{found.mean:.1f}"),
        (f"Range, {unit}", f"{found.minimum:.1f} to {found.maximum:.1f}"),
    ]
    reverse = f"Reverse Kaplan-Meier median ± SE ({_level(outcomes)}), {unit}"
    rows = [*_rows(observed), [Cell(reverse), quantile_cell(found.reverse_kaplan_meier)]]
    caption = "Follow-up of the patients from their first session."
    return Section("Follow-up", [Table(caption, ["", "Value"], [Rows("", rows)])])


def _pairs(caption: str, rows: list[tuple[str, str]]) -> Table:
    return Table(caption, ["", "Value"], [Rows("", _rows(rows))])


def _rows(pairs: list[tuple[str, str]]) -> list[list[Cell]]:
    return [[Cell(name), Cell(value)] for name, value in pairs]


def _level(outcomes: Outcomes) -> str:
    return level_of(outcomes.options.survival.confidence_level)
