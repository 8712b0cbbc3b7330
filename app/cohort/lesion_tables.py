"""Technical success and local recurrence of lesions: counts, proportions, and tables by grouping."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.analysis.arrays import BoolArray, IntArray
from app.analysis.hypothesis_test import HypothesisTest
from app.analysis.proportions import Proportion, estimate_proportion
from app.analysis.success_rates import TableOptions, success_rate, table_tests
from app.cohort.endpoint_rows import NEVER_ABLATED
from app.cohort.groupings import Groups
from app.cohort.model import Cohort


@dataclass(frozen=True, slots=True)
class GroupedProportions:
    """A proportion in each group, with tests of equality; lesions without a group are counted in `excluded`."""

    name: str
    excluded: int
    labels: tuple[str, ...]
    proportions: list[Proportion]
    tests: list[HypothesisTest]


@dataclass(frozen=True, slots=True)
class TechnicalSuccess:
    """Lesions completely ablated at the first attempt, and after all attempts."""

    primary: Proportion
    secondary: Proportion
    primary_groupings: list[GroupedProportions]
    secondary_groupings: list[GroupedProportions]


@dataclass(frozen=True, slots=True)
class LocalRecurrence:
    """Local recurrence of the lesions that were completely ablated.

    Attributes
    ----------
    excluded : lesions left out, by reason
    lesions, patients : with a recurrence, among those with a lesion completely ablated
    recurrences, retreated : recurrences counted, and those treated again
    counts : number of recurrences -> number of lesions with so many
    """

    excluded: dict[str, int]
    lesions: Proportion
    patients: Proportion
    recurrences: int
    retreated: int
    counts: dict[int, int]
    groupings: list[GroupedProportions]


def technical_success(cohort: Cohort, groupings: Sequence[Groups], options: TableOptions) -> TechnicalSuccess:
    """Return primary and secondary technical success of the lesions, clustered by patient."""
    lesions = cohort.lesions()
    cluster = np.array([place for place, _ in lesions])
    primary = np.array([lesion.primary_success for _, lesion in lesions])
    secondary = np.array([lesion.secondary_success for _, lesion in lesions])
    everyone = np.ones(len(lesions), dtype=bool)
    return TechnicalSuccess(
        success_rate(primary, cluster, options),
        success_rate(secondary, cluster, options),
        [_by_group(groups, primary, everyone, cluster, options) for groups in groupings],
        [_by_group(groups, secondary, everyone, cluster, options) for groups in groupings],
    )


def local_recurrence(cohort: Cohort, groupings: Sequence[Groups], options: TableOptions) -> LocalRecurrence:
    """Return how many lesions recurred, of those completely ablated, clustered by patient.

    Lesions never completely ablated are residual tumour and not at risk of recurrence: they are left out.
    """
    lesions = cohort.lesions()
    cluster = np.array([place for place, _ in lesions])
    eligible = np.array([lesion.secondary_success for _, lesion in lesions])
    recurred = np.array([bool(lesion.recurrences) for _, lesion in lesions]) & eligible
    found = [lesion.recurrences for _, lesion in lesions if lesion.secondary_success]
    patients_with_recurrence = np.unique(cluster[recurred]).size
    patients_at_risk = np.unique(cluster[eligible]).size
    never_ablated = int(np.sum(~eligible))
    return LocalRecurrence(
        {NEVER_ABLATED: never_ablated} if never_ablated else {},
        success_rate(recurred[eligible], cluster[eligible], options),
        estimate_proportion(
            patients_with_recurrence,
            patients_at_risk,
            confidence_level=options.confidence_level,
            interval=options.interval,
        ),
        sum(len(recurrences) for recurrences in found),
        sum(recurrence.retreated for recurrences in found for recurrence in recurrences),
        dict(sorted(Counter(len(recurrences) for recurrences in found).items())),
        [_by_group(groups, recurred, eligible, cluster, options) for groups in groupings],
    )


def _by_group(
    groups: Groups, success: BoolArray, eligible: BoolArray, cluster: IntArray, options: TableOptions
) -> GroupedProportions:
    codes = np.array(groups.lesion_codes)
    members = [eligible & (codes == code) for code in range(len(groups.labels))]
    rates = [success_rate(success[rows], cluster[rows], options) for rows in members]
    return GroupedProportions(
        groups.grouping.name,
        int(np.sum(eligible & (codes < 0))),
        groups.labels,
        rates,
        table_tests(rates, options),
    )
