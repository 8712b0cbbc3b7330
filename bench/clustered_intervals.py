"""How often intervals hold the truth, and tests reject it, where the lesions of a patient resemble each other.

`python -m bench.clustered_intervals` prints the tables of docs/clustered_intervals.md, the same each time.
"""

from itertools import product
from typing import Literal

import numpy as np

from app.analysis.arrays import BoolArray, IntArray
from app.analysis.contingency import chi_squared_test
from app.analysis.proportions import estimate_clustered_proportion
from app.analysis.two_proportions import clustered_covariance, compare_proportions, count_clusters, robust_score_test
from bench.markdown import table

Grouping = Literal["patients", "lesions"]
GROUPINGS: tuple[Grouping, ...] = ("patients", "lesions")

SAMPLES, SAMPLES_OF_TWO = 5000, 2000
MOST_LESIONS = 5
PATIENTS, PATIENTS_OF_TWO = (30, 60, 150), 60
PROPORTIONS, PROPORTIONS_OF_TWO = (0.5, 0.8, 0.9, 0.95), (0.8, 0.9)
CORRELATIONS = (0.0, 0.1, 0.3, 0.5)


def lesions(
    random: np.random.Generator, patients: int, proportion: float, correlation: float
) -> tuple[BoolArray, IntArray]:
    """Return the success of each lesion and its patient: beta-binomial, 1 to 5 lesions a patient."""
    of_patient = np.full(patients, proportion)
    if correlation > 0:
        size = (1 - correlation) / correlation
        of_patient = random.beta(proportion * size, (1 - proportion) * size, patients)
    patient = np.repeat(np.arange(patients), random.integers(1, MOST_LESIONS + 1, patients))
    return random.random(patient.size) < of_patient[patient], patient


def one_proportion(patients: int, proportion: float, correlation: float) -> tuple[float, float]:
    """Return in which share of samples the clustered and the naive 95 % interval hold the proportion."""
    random = np.random.default_rng([patients, round(100 * proportion), round(100 * correlation)])
    held = np.zeros(2)
    for _ in range(SAMPLES):
        naive = estimate_clustered_proportion(*lesions(random, patients, proportion, correlation))
        held += [one is not None and one.lower <= proportion <= one.upper for one in (naive.cluster_adjusted, naive)]
    return held[0] / SAMPLES, held[1] / SAMPLES


def two_proportions(grouping: Grouping, proportion: float, correlation: float) -> tuple[float, float, float, float]:
    """Return how often clustered and naive interval hold a difference of 0, and how often both tests reject it."""
    random = np.random.default_rng([len(grouping), round(100 * proportion), round(100 * correlation)])
    found = np.zeros(4)
    for _ in range(SAMPLES_OF_TWO):
        success, patient = lesions(random, PATIENTS_OF_TWO, proportion, correlation)
        group = patient % 2 if grouping == "patients" else random.integers(0, 2, patient.size)
        counted = count_clusters(success, group, patient, 2)
        groups = [estimate_clustered_proportion(success[group == one], patient[group == one]) for one in (0, 1)]
        naive = compare_proportions(groups[0], groups[1], covariance=clustered_covariance(counted)[0, 1])
        counts = [[one.count, one.total - one.count] for one in groups]
        found += [one is not None and one.lower <= 0 <= one.upper for one in (naive.cluster_adjusted, naive)] + [
            test.p_value < 0.05 for test in (robust_score_test(counted), chi_squared_test(counts))
        ]
    return tuple(found / SAMPLES_OF_TWO)


def beside(clustered: float, naive: float) -> str:
    return f"{100 * clustered:.1f} ({100 * naive:.1f})"


def main() -> None:
    found = [
        (f"{p}", f"{rho}", *(beside(*one_proportion(patients, p, rho)) for patients in PATIENTS))
        for p, rho in product(PROPORTIONS, CORRELATIONS)
    ]
    print(*table(("proportion", "correlation", *(f"{patients} patients" for patients in PATIENTS)), *found), sep="\n")
    print()
    of_two = [
        (grouping, f"{p}", f"{rho}", beside(*shares[:2]), beside(*shares[2:]))
        for grouping, p, rho in product(GROUPINGS, PROPORTIONS_OF_TWO, CORRELATIONS)
        for shares in [two_proportions(grouping, p, rho)]
    ]
    print(*table(("groups of", "proportions", "correlation", "interval covers", "test rejects"), *of_two), sep="\n")


if __name__ == "__main__":
    main()
