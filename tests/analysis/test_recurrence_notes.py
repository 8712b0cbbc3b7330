"""What is said aloud about recurrences, and by which methods they came."""

from typing import Any

import pytest

from app.analysis.conventions import CONVENTIONS
from app.analysis.recurrence_notes import recurrence_methods, recurrence_warnings
from app.analysis.recurrence_summary import RecurrenceOptions, estimate_recurrences
from app.analysis.recurrent import Recurrences, observe_recurrences
from app.analysis.survival import SurvivalOptions

OPTIONS = RecurrenceOptions(SurvivalOptions(CONVENTIONS["r"]))


def codes(sample: Recurrences) -> set[str]:
    found = recurrence_warnings({"A": estimate_recurrences(sample, OPTIONS)})
    assert all(one.detail.endswith(": A.") for one in found)
    return {one.code for one in found}


def test_of_many_subjects_with_a_recurrence_nothing_is_said() -> None:
    assert codes(observe_recurrences(range(20), [5] * 20, [1] * 10 + [0] * 10)) == set()


@pytest.mark.parametrize(
    ("code", "columns"),
    [
        ("few_recurrences", {"event": [1] * 9 + [0] * 11}),
        ("group_without_recurrences", {"event": [0] * 20}),
        ("recurrences_as_independent", {"subject": [*range(19), 18]}),
        ("few_at_risk_at_last_recurrence", {"subject": [*range(20), *[0] * 11], "time": [1] * 20 + [9] * 11}),
        ("few_clusters", {"cluster": [0, *range(19)]}),
        (
            "gap_before_first_recurrence",
            {"subject": [*range(20), 19], "entry": [0] * 20 + [7], "event": [1] * 11 + [0] * 10},
        ),
        ("risk_set_emptied", {"entry": [0] * 2 + [6] * 18, "time": [5] * 2 + [9] * 18, "terminal": [1] * 2 + [0] * 18}),
    ],
)
def test_warnings(code: str, columns: dict[str, Any]) -> None:
    subject = columns.get("subject", range(20))
    rows: dict[str, Any] = {"time": [5] * 20 + [9] * (len(subject) - 20), "event": [1] * len(subject), **columns}
    assert code in codes(observe_recurrences(**{"subject": subject, **rows}))


def test_methods_name_what_was_done() -> None:
    sample = observe_recurrences([0, 1], [2, 3], [1, 0])
    plain = [*recurrence_methods(sample, OPTIONS, compared=False)]
    assert plain[0].startswith("Rates are recurrences per 1 time unit at risk, with exact 95 % Poisson limits")
    assert "those of Nelson" in plain[1]
    assert "recurrences of a subject depend" in plain[1]
    assert plain[3] == "The first recurrence was analysed without death as a competing event."
    assert "delta method" in plain[4]
    assert len(plain) == 5


def test_methods_name_deaths_clusters_and_comparisons() -> None:
    sample = observe_recurrences([0, 1], [2, 3], [1, 0], cluster=[0, 1])
    options = RecurrenceOptions(SurvivalOptions(CONVENTIONS["r"], 0.9), "log", "plain", 100, with_death=True)
    found = [*recurrence_methods(sample, options, compared=True)]
    assert found[0].startswith("Rates are recurrences per 100 time units at risk, with exact 90 %")
    assert "Ghosh and Lin" in found[1]
    assert "of type plain" in found[1]
    assert "recurrences of a cluster depend" in found[1]
    assert "with death as a competing event" in found[3]
    assert "jackknife" in found[4]
    assert "90 % limits of their ratio" in found[5]
    assert "Ghosh and Lin" in found[6]


def test_without_deaths_the_test_is_that_of_andersen_and_gill() -> None:
    sample = observe_recurrences([0, 1], [2, 3], [1, 0], group=[0, 1])
    assert "Andersen-Gill" in [*recurrence_methods(sample, OPTIONS, compared=True)][-1]
