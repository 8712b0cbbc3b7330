"""What a report says of a cohort, figure by figure; the cohort is that of the sentences, worked by hand there."""

from typing import Any

import pytest

from app.analysis.comparison import ComparisonOptions
from app.cohort.groupings import Bin, Grouping
from app.cohort.model import Cohort
from app.cohort.outcomes import summarize_outcomes
from app.rendering.document import Cell, Picture, Rows, Table
from app.rendering.markdown_report import markdown
from app.rendering.report import UNNAMED
from tests.cohort.builders import BY_ARM, BY_DIAMETER, MANY, RESIDUAL, cohort, lesion, options, patient
from tests.rendering.reports import Read, read_markdown, report_of

LANDMARKS = {"landmarks": (6, 12)}


def report(found: Cohort, *groupings: Grouping, name: str = "A cohort", drawn: bool = False, **fields: Any) -> Read:
    outcomes = summarize_outcomes(found, options("r", *groupings, **fields))
    return read_markdown(markdown(report_of(outcomes, name, drawn=drawn)))


def test_sections_stand_in_the_order_of_a_results_section() -> None:
    found = report(MANY, BY_DIAMETER, BY_ARM)
    assert found.headings == [
        (1, "A cohort"),
        (2, "Summary"),
        (2, "Warnings"),
        (2, "Cohort"),
        (2, "Technical success"),
        (2, "Local recurrence"),
        (2, "Safety"),
        (2, "Follow-up"),
        (2, "Overall survival"),
        (3, "By arm"),
        (2, "Local progression"),
        (3, "By size"),
        (3, "By arm"),
        (2, "Methods"),
        (2, "Provenance"),
    ]
    assert [caption.split(".")[0] for caption in found.captions] == [
        f"Table {n + 1}" for n in range(len(found.captions))
    ]


def test_counts_are_those_of_the_cohort() -> None:
    found = report(MANY, BY_DIAMETER)
    assert found.row("Patients") == ["Patients", "4"]
    assert found.row("Lesions a patient: mean") == ["Lesions a patient: mean", "1.25"]
    assert found.row("Lesions a patient: median (range)")[1] == "1 (1 to 2)"
    assert found.row("All lesions")[:3] == ["All lesions", "4/5 (80.0 %)", "37.6 to 96.4"]
    assert found.row("large")[1] == "1/2 (50.0 %)"
    assert found.row("All patients") == ["All patients", "1/4 (25.0 %)", "4.6 to 69.9", "- (a)"]
    assert "(a) each patient counts once." in found.texts
    assert "Left out: 1 lesion never completely ablated. 1 recurrence in all, 0 ablated again." in found.texts
    assert found.row("Sessions with complications")[1:3] == ["1/5 (20.0 %)", "3.6 to 62.4"]
    assert found.row("SIR") == ["SIR", "B", "1"]
    assert found.row("Range, months")[1] == "0.4 to 20.0"


def test_survival_has_its_median_its_mean_and_its_rates() -> None:
    """The median is 9.0 with the error 4.8; the mean up to 20 is 0.4 + 0.75 x 7.6 + 0.5 x 2 + 0.25 x 10 = 9.6."""
    found = report(MANY, BY_ARM, survival=LANDMARKS)
    whole = next(row for row in found.rows if row[:4] == ["All patients", "4", "3", "1"])
    assert whole[4].startswith("9.0 ± 4.8 (0.4 to not reached)")
    assert whole[5].startswith("9.6 ± ")
    assert whole[6] == "20.0"
    assert found.row("6 months")[:4] == ["6 months", "3", "1", "75.0 %"]
    assert ["Log-rank test", "2.88", "1", "0.090"] in found.rows
    assert "no upper limit: that of survival stays above 0.5" in " ".join(found.texts)
    assert found.row("A versus B")[1] == "8.0"


def test_incidences_have_all_their_causes() -> None:
    found = report(MANY, BY_DIAMETER, survival=LANDMARKS)
    assert ["All lesions: 4 lesions, 1 censored"] in found.rows
    assert found.row("local recurrence")[1] == "1"
    assert found.row("death")[1] == "2"
    assert ["Gray's test", "0.32", "1", "0.573"] in found.rows
    assert ["small: death"] in found.rows


def test_nothing_is_said_of_what_was_not_asked_for() -> None:
    found = report(MANY, BY_ARM, tests=(), comparison=ComparisonOptions(()), endpoints=("overall_survival",))
    tests = [caption for caption in found.captions if "Tests of" in caption]
    assert tests == []
    assert not any("landmarks" in caption for caption in found.captions)


def test_local_recurrence_has_its_incidence_where_no_end_point_does() -> None:
    asked = report(MANY, survival=LANDMARKS)
    assert "The end point local progression has its cumulative incidence." in asked.texts
    found = report(MANY, BY_DIAMETER, survival=LANDMARKS, endpoints=("overall_survival",))
    assert (2, "Local progression") not in found.headings
    assert ["All lesions: local recurrence"] in found.rows
    assert ["small: local recurrence"] not in found.rows


def test_of_no_lesion_there_is_no_incidence() -> None:
    found = report(cohort(patient(9, lesion(**RESIDUAL))), endpoints=("overall_survival",))
    assert found.row("All lesions", "0/0 (not estimable) (a)")[2:] == ["not estimable (a)", "not estimable (a)"]
    assert "(a) there is no unit; (b) fewer than 2 patients." not in found.texts
    found = report(cohort(patient(9, lesion(**RESIDUAL))), BY_DIAMETER)
    assert "Nothing is estimated: every lesion is left out." in found.texts
    assert any(text.endswith("Left out: 1 lesion never completely ablated.") for text in found.texts)


def test_those_in_no_group_are_counted() -> None:
    unknown = cohort(*MANY.patients, patient(30, covariates={"arm": None}))
    by_size = Grouping("size", "lesion", "diameter_mm", (Bin("small", upper=30.0), Bin("huge", lower=90.0)))
    found = report(unknown, BY_ARM, by_size)
    assert "1 patient with no value or in no bin left out." in found.texts
    assert ["By arm (1 lesion with no value or in no bin left out)"] in found.rows
    assert "Groups without a lesion: huge." in found.texts
    nowhere = report(unknown, Grouping("size", "lesion", "diameter_mm", (Bin("huge", lower=90.0),)))
    assert "5 lesions with no value or in no bin left out." in nowhere.texts


def test_a_patient_lost_early_is_out_of_the_mortalities() -> None:
    found = report(cohort(patient(2), patient(0.5), patient(0.6)))
    assert (
        "2 patients followed for less than 30 days are left out of the deaths within 30 days. "
        "3 patients followed for less than 90 days are left out of the deaths within 90 days." in found.texts
    )
    assert "No complication was recorded." in found.texts
    assert found.row("Died within 90 days of the first session")[1] == "0/0 (not estimable) (b)"


@pytest.mark.parametrize(
    ("name", "title", "first"),
    [
        ("Innsbruck", "Innsbruck", None),
        ("", UNNAMED, None),
        ("\x00\u202e", UNNAMED, None),
        ("long " * 30, UNNAMED, ("long " * 30).strip()),
    ],
)
def test_a_name_is_the_title_unless_it_is_long(name: str, title: str, first: str | None) -> None:
    found = report(MANY, name=name)
    assert found.headings[0] == (1, title)
    assert first is None or found.texts[0] == first


def test_without_warnings_that_is_said() -> None:
    quiet = cohort(*(patient(time, lesion(time / 2), died=True) for time in range(1, 31)))
    found = report(quiet, endpoints=("overall_survival",))
    assert found.texts[found.texts.index("None.") - 1].startswith("Median overall survival")


def test_figures_are_of_all_and_of_each_grouping() -> None:
    found = report(MANY, BY_ARM, drawn=True)
    assert [caption for caption in found.captions if caption.startswith("Figure")] == [
        "Figure 1. Kaplan-Meier curves of overall survival; 4 patients.",
        "Figure 2. Kaplan-Meier curves of overall survival by arm; 4 patients.",
        "Figure 3. Cumulative incidence of local recurrence; 4 lesions.",
        "Figure 4. Cumulative incidence of local recurrence by arm; 4 lesions.",
    ]
    assert not any(caption.startswith("Figure") for caption in report(MANY, BY_ARM).captions)


def test_a_figure_has_no_more_groups_than_can_be_told_apart() -> None:
    many = cohort(*(patient(9 + place, covariates={"arm": f"{place}"}) for place in range(9)))
    found = report(many, BY_ARM, drawn=True)
    assert found.texts.count("There is no figure: the curves of more than 8 groups cannot be told apart.") == 2


def test_a_figure_as_a_table_has_the_values_of_its_curves() -> None:
    """Arm A falls to 1/2 at 0.4 and to 0 at 8, where it ends; arm B is 1 until 10."""
    outcomes = summarize_outcomes(MANY, options("r", BY_ARM))
    [section] = [one for one in report_of(outcomes, drawn=True).sections if one.title == "Overall survival"]
    [picture] = [block for block in section.parts[0].blocks if isinstance(block, Picture)]
    table = picture.table
    ticks = table.header[1:]
    rows = {row[0].text: [cell.text for cell in row[1:]] for row in table.parts[0].rows}
    at = dict(zip(ticks, zip(rows["A"], rows["B"], strict=True), strict=True))
    assert at["0"] == ("100.0", "100.0")
    assert at["3"] == ("50.0", "100.0")
    assert at["12"] == ("-", "50.0")
    assert list(table.notes) == ["after the last follow-up"]


def test_each_reason_has_one_letter() -> None:
    cells = [[Cell("x", f"reason {place % 28}")] for place in range(56)]
    letters = list(Table("", ["x"], [Rows("", cells)]).notes.values())
    assert len(letters) == 28
    assert letters[-3:] == ["z", "aa", "ab"]
