"""Proportions of units, from counts and from rows, and their groups compared."""

import numpy as np
import pytest

from app.analysis.arrays import IntArray
from app.analysis.success_rates import TableOptions, summarize_counts, summarize_units

COUNTS = [(3, 9), (6, 7), (2, 2)]
GROUP = np.repeat([0, 1, 2], [9, 7, 2])
SUCCESS = np.concatenate([np.arange(total) < successes for successes, total in COUNTS])
OPTIONS = TableOptions(0.9, "jeffreys", ("trend", "fisher", "chi-squared"), (1, 2, 4))


def test_counts_are_the_rows_that_they_count() -> None:
    rates = summarize_counts(COUNTS, OPTIONS)
    assert rates == summarize_units(SUCCESS, OPTIONS, group=GROUP)
    assert (rates.overall.count, rates.overall.total) == (11, 18)
    assert [(one.count, one.total) for one in rates.groups] == COUNTS
    assert [test.name for test in rates.tests] == ["trend", "fisher", "chi-squared"]
    assert [round(one.difference, 6) for one in rates.differences] == [-0.52381, -0.666667]
    assert (rates.is_compared, rates.is_clustered) == (True, False)


@pytest.mark.parametrize("cluster", [None, np.arange(18) // 2])
def test_fewer_than_two_groups_are_not_compared(cluster: IntArray | None) -> None:
    alone = summarize_units(SUCCESS, OPTIONS, cluster=cluster)
    one = summarize_units(SUCCESS, OPTIONS, group=np.zeros(18, dtype=int), cluster=cluster)
    assert (alone.groups, one.groups) == ([], [alone.overall])
    for rates in (alone, one):
        assert (rates.tests, rates.differences, rates.is_compared) == ([], [], False)
        assert rates.is_clustered == (cluster is not None)


def test_clusters_add_a_test_and_adjusted_figures_and_change_no_other() -> None:
    plain = summarize_units(SUCCESS, OPTIONS, group=GROUP)
    clustered = summarize_units(SUCCESS, OPTIONS, group=GROUP, cluster=np.arange(18) // 2)
    assert [test.name for test in clustered.tests[3:]] == ["robust-score"]
    assert clustered.tests[:3] == plain.tests
    assert [one.proportion for one in clustered.groups] == [one.proportion for one in plain.groups]
    assert all(one.cluster_adjusted is not None for one in clustered.groups)
    assert all(one.cluster_adjusted is not None for one in clustered.differences)


@pytest.mark.parametrize(("interval", "of_differences"), [("wald", "wald"), ("jeffreys", "newcombe")])
def test_differences_have_wald_limits_where_proportions_have(interval: str, of_differences: str) -> None:
    (difference,) = summarize_counts(COUNTS[:2], TableOptions(interval=interval)).differences  # type: ignore[arg-type]
    assert difference.interval == of_differences
