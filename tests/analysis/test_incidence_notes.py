"""What is said of cumulative incidences: each warning where it is due and where not."""

from typing import Any

import pytest

from app.analysis.competing_risks import estimate_incidences
from app.analysis.conventions import CONVENTIONS, ConventionName
from app.analysis.incidence_notes import incidence_methods, incidence_warnings
from app.analysis.observations import observe
from app.analysis.survival import SurvivalOptions
from app.analysis.survival_notes import FEW_CLUSTERS

R = SurvivalOptions(CONVENTIONS["r"])


def warned(size: int, labels: tuple[str, ...] = ("all",), **columns: Any) -> dict[str, str]:
    """Return the warnings on a sample in which two causes and censoring alternate, told of as if of each label."""
    sample = observe(range(1, size + 1), [1, 2, 0] * (size // 3), **columns)
    (estimate,) = estimate_incidences([sample], 2, R, "log-log")
    return {one.code: one.detail for one in incidence_warnings(sample, dict.fromkeys(labels, estimate), ["a", "b"])}


def test_nothing_is_said_where_all_is_well() -> None:
    assert warned(30) == {}


def test_few_events_are_told_of_by_sample_and_cause() -> None:
    assert warned(27) == {"few_events": "Fewer than 10 events, so that estimates are imprecise: all (a); all (b)."}


def test_sampling_weights_are_no_events() -> None:
    assert set(warned(27, weight=[100.5] * 27, sampling=True)) == {"few_events"}
    assert warned(30, weight=[0.01] * 30, sampling=True) == {}


@pytest.mark.parametrize(
    ("size", "per_cluster", "labels", "codes"),
    [
        (60, 1, ("all",), set()),
        (60, 1, ("A", "B"), {"rows_as_independent"}),
        (60, 4, ("all",), {"few_clusters"}),
        (60, 4, ("A", "B"), {"few_clusters", "rows_as_independent"}),
    ],
)
def test_clusters_are_told_of_where_they_are_few_or_compared(
    size: int, per_cluster: int, labels: tuple[str, ...], codes: set[str]
) -> None:
    assert size // per_cluster >= FEW_CLUSTERS or "few_clusters" in codes
    assert set(warned(size, labels, cluster=[row // per_cluster for row in range(size)])) == codes


def test_methods_name_the_variance_and_what_was_compared() -> None:
    sample = observe([1, 2], [1, 2])
    plain = [*incidence_methods(sample, 0.9, "plain", compared=False)]
    assert "90 % intervals of type plain from Aalen's variance" in plain[0]
    assert len(plain) == 2
    compared = [*incidence_methods(sample, 0.95, "log-log", compared=True)]
    assert compared[-1] == "Cumulative incidences of groups were compared by Gray's test (Ann Stat 1988;16:1141-1154)."


@pytest.mark.parametrize(("name", "said"), [("r", True), ("stata", False)])
def test_carrying_forward_is_said_aloud(name: ConventionName, said: bool) -> None:
    sample = observe([1, 2, 3, 4], [1, 0, 1, 0])
    options = SurvivalOptions(CONVENTIONS[name], landmarks=(9,))
    (estimate,) = estimate_incidences([sample], 1, options, "log-log")
    found = {one.code: one.detail for one in incidence_warnings(sample, {"all": estimate}, ["a"])}
    assert ("carried_forward" in found) == said
    assert not said or found["carried_forward"].startswith("Incidence was carried forward beyond the last follow-up")
