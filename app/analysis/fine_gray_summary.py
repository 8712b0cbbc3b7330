"""All that is reported of a Fine-Gray model: its fit, the Wald test, baselines, and what it predicts."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.analysis.arrays import FloatArray, IntArray
from app.analysis.conventions import CONVENTIONS, Convention, Ties
from app.analysis.cox import NoMaximumError
from app.analysis.cox_summary import MAX_STRATA, baseline_profile, no_model
from app.analysis.design_matrix import Design
from app.analysis.fine_gray import FineGrayModel, fine_gray_regression
from app.analysis.fine_gray_predictions import (
    PredictedIncidence,
    SubdistributionCurves,
    predicted_incidence,
    subdistribution_curves,
)
from app.analysis.hypothesis_test import HypothesisTest, wald_test
from app.analysis.landmarks import landmark_columns
from app.analysis.observations import Observations


@dataclass(frozen=True, slots=True)
class FineGrayOptions:
    """How a Fine-Gray model is fitted and reported."""

    convention: Convention = CONVENTIONS["r"]
    ties: Ties = "breslow"
    confidence_level: float = 0.95
    landmarks: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class PredictedRate:
    """Cumulative incidence of a profile at a landmark; NaN where it is not known, with the reason."""

    time: float
    cumulative_incidence: float
    standard_error: float
    lower: float
    upper: float
    reason: str | None


@dataclass(frozen=True, slots=True)
class FineGrayStratum:
    """What is predicted in a stratum.

    Attributes
    ----------
    code : of the stratum, 0 without strata
    baseline : curves of the baseline profile
    curves : of the profiles, one row each
    rates : of each profile at the landmarks
    """

    code: int
    baseline: SubdistributionCurves
    curves: SubdistributionCurves
    rates: list[list[PredictedRate]]


@dataclass(frozen=True, slots=True)
class FineGraySummary:
    """A Fine-Gray model and what follows from it.

    Attributes
    ----------
    events, competing : sums of frequencies, rows where weights are sampling weights
    wald : test that all coefficients are 0
    profile : covariates of the baseline, shape [p]: means of numbers, reference levels of factors
    ratios : of the subdistribution hazard of each profile to that of the baseline, shape [k]
    strata : one without strata, [] where there are more than 50
    """

    model: FineGrayModel
    observations: Observations
    events: float
    competing: float
    wald: HypothesisTest
    profile: FloatArray
    ratios: FloatArray
    strata: list[FineGrayStratum]


def summarize_fine_gray(
    observations: Observations, distinct: FloatArray, design: Design, profiles: FloatArray, options: FineGrayOptions
) -> FineGraySummary:
    """Fit a Fine-Gray model and return all that is reported of it.

    Parameters
    ----------
    observations : its groups are the places of the rows' covariates in `distinct`
    distinct, profiles : covariates, shapes [d, p] and [k, p], with the columns of the design

    Raises
    ------
    NoModelError
        If the model does not exist, with the terms that are to blame.
    NoEstimateError
        If there are no events of interest, or weights are infinite.

    Examples
    --------
    >>> from app.analysis.design_matrix import design_of
    >>> from app.analysis.observations import observe
    >>> sample, distinct = observe([1, 2, 3, 4], [2, 1, 1, 0], group=[1, 1, 0, 0]), np.array([[0.0], [1.0]])
    >>> found = summarize_fine_gray(sample, distinct, design_of({"x": [0.0, 1.0]}), distinct, FineGrayOptions())
    >>> found.model.hazard_ratio.round(4), found.events, found.competing
    (array([1.4142]), 2.0, 1.0)
    """
    try:
        model = fine_gray_regression(
            observations,
            distinct[observations.groups],
            ties=options.ties,
            confidence_level=options.confidence_level,
        )
    except NoMaximumError as error:
        raise no_model(error, design) from None
    counts = np.ones(observations.size) if observations.sampling else observations.weights
    events, competing = (float(counts[among].sum()) for among in (observations.cause == 1, observations.cause > 1))
    profile = baseline_profile(observations, distinct, design)
    with np.errstate(over="ignore"):
        ratios = np.exp((profiles - profile) @ model.coefficient)
    codes = np.zeros(1, dtype=np.int64) if observations.stratum is None else np.unique(observations.stratum)
    strata = [_stratum(model, profile, profiles, options, code) for code in _few(codes)]
    return FineGraySummary(
        model,
        observations,
        events,
        competing,
        wald_test(model.coefficient, model.covariance),
        profile,
        np.asarray(ratios),
        strata,
    )


def _few(codes: IntArray) -> list[int]:
    listed: list[int] = codes.tolist()
    return listed if len(listed) <= MAX_STRATA else []


def _stratum(
    model: FineGrayModel, profile: FloatArray, profiles: FloatArray, options: FineGrayOptions, code: int
) -> FineGrayStratum:
    found = predicted_incidence(
        model,
        profiles,
        np.array(options.landmarks, dtype=np.float64),
        code,
        confidence_level=options.confidence_level,
        carries_forward=options.convention.carries_forward,
    )
    return FineGrayStratum(
        code,
        subdistribution_curves(model, profile[None], code),
        subdistribution_curves(model, profiles, code),
        [_rates(found, place, options.landmarks) for place in range(profiles.shape[0])],
    )


def _rates(found: PredictedIncidence, place: int, landmarks: Sequence[float]) -> list[PredictedRate]:
    figures = (column[place] for column in (found.incidence, found.standard_error, found.lower, found.upper))
    columns = landmark_columns(np.isnan(found.incidence[place]), *figures)
    return [PredictedRate(*row) for row in zip(landmarks, *columns, strict=True)]
