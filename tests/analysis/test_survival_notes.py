"""The methods of survival figures in sentences, and each warning where it is due and where not."""

from dataclasses import replace
from typing import Any

import pytest

from app.analysis.comparison import ComparisonOptions
from app.analysis.conventions import CONVENTIONS, ConventionName
from app.analysis.logrank import Weighting
from app.analysis.observations import Observations, observe
from app.analysis.survival import SurvivalOptions
from app.analysis.survival_notes import (
    FEW_CLUSTERS,
    FEW_EVENTS,
    SENTENCES,
    Caution,
    cautions,
    summary_warnings,
)
from app.analysis.survival_summary import GroupEstimate, SurvivalSummary, summarize_survival

LABELS = ("A", "B", "C")
NO_TEST, LOG_RANK = ComparisonOptions(()), ComparisonOptions()
GROUPED = observe(range(1, 9), [True] * 8, group=[0, 1] * 4)


def options(name: ConventionName = "r", **fields: Any) -> SurvivalOptions:
    return SurvivalOptions(CONVENTIONS[name], **fields)


def summarized(
    sample: Observations, groups: int = 0, comparison: ComparisonOptions = LOG_RANK, **fields: Any
) -> SurvivalSummary:
    return summarize_survival(sample, groups, fields.pop("options", options()), comparison, **fields)


def warned(
    sample: Observations, groups: int = 0, comparison: ComparisonOptions = LOG_RANK, **fields: Any
) -> dict[str, str]:
    """Return the warnings by their code."""
    return {one.code: one.detail for one in summary_warnings(summarized(sample, groups, comparison, **fields), LABELS)}


def deaths(number: int, *, alive: int = 0, **columns: Any) -> Observations:
    """Return deaths at 1, 2, .., and the living at 100 to keep the median off the last flat."""
    return observe([*range(1, number + 1), *[100] * alive], [1] * number + [0] * alive, **columns)


class TestCautions:
    def test_come_in_the_order_of_the_sentences_once_with_their_places(self) -> None:
        found = cautions([("b", "y"), ("a", "x"), ("b", "z")], {"a": "A {}.", "b": "B {}.", "c": "C {}."})
        assert found == [Caution("a", "A x."), Caution("b", "B y; z.")]

    def test_of_nothing_are_none(self) -> None:
        assert cautions([], SENTENCES) == []

    def test_are_sentences(self) -> None:
        assert all(sentence.endswith(".") and sentence.count("{}") == 1 for sentence in SENTENCES.values())

    def test_are_none_where_all_is_well(self) -> None:
        """Of 20 in two groups of the same hazard all die, and 4 are left alive."""
        sample = observe([*range(1, 21), *[30] * 4], [1] * 20 + [0] * 4, group=[0, 1, 1, 0] * 5 + [0, 1] * 2)
        assert warned(sample, 2) == {}


class TestFewEvents:
    def test_overall(self) -> None:
        assert warned(deaths(FEW_EVENTS)) == {}
        assert warned(deaths(FEW_EVENTS - 1)) == {
            "few_events": "Fewer than 10 events, so that estimates are imprecise: overall."
        }

    def test_weights_are_events(self) -> None:
        assert warned(observe([1, 2, 3], [1, 1, 1], weight=[3, 4, 3])) == {}

    def test_but_sampling_weights_are_not(self) -> None:
        few = observe([1, 2, 3], [1, 1, 1], weight=[30, 40, 30], sampling=True)
        assert set(warned(few)) == {"few_events", "few_clusters"}
        many = deaths(FEW_EVENTS, weight=[0.1] * FEW_EVENTS, sampling=True)
        assert set(warned(many)) == {"few_clusters"}

    def test_of_groups(self) -> None:
        sample = observe([*range(1, 15)], [1] * 14, group=[0] * 10 + [1] * 3 + [2])
        found = warned(sample, 3, NO_TEST)
        assert found["few_events"].endswith(": by group (B, C).")
        assert "group_without_events" not in found

    def test_no_events_in_a_group_are_another_warning(self) -> None:
        sample = observe([*range(1, 15)], [1] * 10 + [0] * 4, group=[0] * 10 + [1] * 3 + [2])
        found = warned(sample, 3, NO_TEST)
        assert found["group_without_events"] == "No events, so that no hazard ratio exists: by group (B, C)."
        assert "few_events" not in found

    def test_no_events_at_all_are_few(self) -> None:
        assert set(warned(observe([1, 2], [0, 0]))) == {"few_events"}


class TestEmptyGroup:
    def test_without_rows(self) -> None:
        sample = replace(GROUPED, group=GROUPED.groups * 2)
        assert warned(sample, 3)["empty_group"] == "Groups without units are left out: by group (B)."

    def test_after_the_start_time(self) -> None:
        sample = observe([1, 2, 5, 6], [1] * 4, group=[0, 0, 1, 1])
        assert warned(sample, 3, start_time=3)["empty_group"].endswith(": by group (A, C).")
        assert "empty_group" not in warned(sample, 2)


class TestMedian:
    def test_with_fewer_than_10_percent_at_risk(self) -> None:
        """19 of 20 are censored before the last dies: 5 % at risk."""
        sample = observe([1] * 19 + [5], [0] * 19 + [1])
        found = warned(sample)
        assert found["few_at_risk_at_median"] == ("The median lies where fewer than 10 % are still at risk: overall.")
        assert "few_at_risk_at_median" not in warned(observe([1] * 9 + [5], [0] * 9 + [1]))

    def test_of_a_group_is_named_with_it(self) -> None:
        sample = observe([1] * 19 + [5, 1, 2], [0] * 19 + [1, 1, 0], group=[0] * 20 + [1] * 2)
        found = warned(sample, 2, NO_TEST)
        assert found["few_at_risk_at_median"].endswith(": overall; by group (A).")
        assert found["median_on_last_flat"].endswith(": by group (B).")

    @pytest.mark.parametrize("name", ["r", "spss", "stata"])
    def test_on_the_last_flat(self, name: ConventionName) -> None:
        found = warned(observe([1, 2, 3, 4], [1, 1, 0, 0]), options=options(name))
        assert found["median_on_last_flat"].startswith("Survival is exactly 0.5 up to the last follow-up, where pack")
        assert found["median_on_last_flat"].endswith(": overall.")

    @pytest.mark.parametrize("event", [[1, 1, 1, 0], [1, 0, 0, 0], [1, 1, 1, 1], [0, 0, 0, 0]])
    def test_elsewhere_is_nothing_to_be_said_of(self, event: list[int]) -> None:
        assert set(warned(observe([1, 2, 3, 4], event))) == {"few_events"}

    def test_on_a_flat_that_rounding_leaves_beside_one_half(self) -> None:
        """3 of 6 die one after another: the product 5/6 4/5 3/4 of floats is not exactly 1/2."""
        assert "median_on_last_flat" in warned(observe([1, 2, 3, 4, 4, 4], [1, 1, 1, 0, 0, 0]))


class TestRiskSetEmptied:
    SAMPLE = observe([1, 5, 6], [1, 1, 0], entry=[0, 2, 2])

    def test_while_others_were_to_enter(self) -> None:
        assert warned(self.SAMPLE)["risk_set_emptied"].endswith("a later start_time may help: overall.")

    def test_a_later_start_time_does_help(self) -> None:
        assert "risk_set_emptied" not in warned(self.SAMPLE, start_time=2)

    def test_not_at_the_end(self) -> None:
        assert "risk_set_emptied" not in warned(observe([1, 5, 6], [1, 1, 1], entry=[0, 0, 2]))

    def test_of_a_group(self) -> None:
        sample = observe([1, 5, 6, 7, 9], [1, 1, 0, 1, 0], entry=[0, 2, 2, 0, 0], group=[0, 0, 0, 1, 1])
        assert warned(sample, 2, NO_TEST)["risk_set_emptied"].endswith(": by group (A).")


class TestNonproportionalHazards:
    def test_where_hazards_cross(self) -> None:
        """Of each group 10 of 20 die: those of one early, those of the other late."""
        sample = observe([*range(1, 21), *[30] * 20], [1] * 20 + [0] * 20, group=[0] * 10 + [1] * 10 + [0, 1] * 10)
        assert warned(sample, 2)["nonproportional_hazards"].endswith("the restricted means may say more: by group.")

    def test_not_where_they_do_not(self) -> None:
        assert "nonproportional_hazards" not in warned(GROUPED, 2)

    def test_not_where_there_is_no_hazard_ratio(self) -> None:
        assert "nonproportional_hazards" not in warned(observe([1, 2], [0, 0], group=[0, 1]), 2)


class TestDependence:
    def clustered(self, clusters: int) -> Observations:
        """Return two rows of each cluster, one of each group."""
        return observe(
            range(1, 2 * clusters + 1),
            [1] * 2 * clusters,
            group=[0, 1] * clusters,
            cluster=[row // 2 for row in range(2 * clusters)],
        )

    def test_of_few_clusters(self) -> None:
        found = warned(self.clustered(FEW_CLUSTERS - 1))
        assert found == {
            "few_clusters": "Fewer than 20 clusters, or subjects with sampling weights, so that robust standard "
            "errors are too small: overall."
        }
        assert warned(self.clustered(FEW_CLUSTERS)) == {}

    def test_of_clusters_left_after_the_start_time(self) -> None:
        """Those that end before do not count."""
        assert "few_clusters" in warned(self.clustered(FEW_CLUSTERS), start_time=3)
        assert "few_clusters" not in warned(self.clustered(FEW_CLUSTERS + 1), start_time=3)

    def test_of_rows_compared_as_independent(self) -> None:
        tests = ComparisonOptions((Weighting("peto-peto"), Weighting()))
        found = warned(self.clustered(FEW_CLUSTERS), 2, tests)["rows_as_independent"]
        assert (
            found
            == "These tests take the rows of a cluster as independent, robust-score does not: peto-peto, log-rank."
        )

    @pytest.mark.parametrize(("groups", "comparison"), [(0, LOG_RANK), (2, NO_TEST)])
    def test_not_where_none_are(self, groups: int, comparison: ComparisonOptions) -> None:
        assert "rows_as_independent" not in warned(self.clustered(FEW_CLUSTERS), groups, comparison)

    def test_with_sampling_weights_each_row_is_a_cluster(self) -> None:
        sample = observe(range(1, 9), [1] * 8, group=[0, 1] * 4, weight=[1.5] * 8, sampling=True)
        found = warned(sample, 2)
        assert "few_clusters" in found
        assert "rows_as_independent" not in found

    def test_not_of_independent_rows(self) -> None:
        assert not {"few_clusters", "rows_as_independent"} & set(warned(GROUPED, 2))


class TestDisclosureControl:
    """What is said of a summary in which something is hidden; disclosure control itself has its own tests."""

    SHOWN = replace(summarized(GROUPED, 2), min_cell_count=5)

    def said(self, summary: SurvivalSummary) -> dict[str, str]:
        return {one.code: one.detail for one in summary_warnings(summary, LABELS)}

    def test_says_what_times_are(self) -> None:
        found = self.said(self.SHOWN)
        assert "the mean time of 5 subjects or more, and all" in found["coarsened_times"]
        assert "suppressed" not in found

    def test_names_hidden_groups(self) -> None:
        hidden = replace(self.SHOWN, groups=[self.SHOWN.groups[0], GroupEstimate(1, None)], comparison=None)
        found = self.said(hidden)
        assert found["suppressed"].endswith("min_cell_count: B.")
        assert found["few_events"].endswith(": overall; by group (A).")

    def test_says_that_all_is_hidden(self) -> None:
        nothing = replace(self.SHOWN, overall=None, groups=[GroupEstimate(0, None)], comparison=None)
        assert {code: detail[-9:] for code, detail in self.said(nothing).items()} == {"suppressed": " overall."}


def test_warnings_come_in_the_order_of_the_sentences() -> None:
    sample = observe([1, 5, 6, 7, 8], [1, 1, 0, 0, 0], entry=[0, 2, 2, 1, 1], group=[0, 0, 0, 2, 2], cluster=range(5))
    found = list(warned(sample, 3))
    assert found == [code for code in SENTENCES if code in found]
    assert len(found) > 4
