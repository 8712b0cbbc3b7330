"""All that is reported of a Cox model: its fit, tests, concordance, proportionality, and what it predicts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import chdtrc

from app.analysis.arrays import FloatArray
from app.analysis.concordance import Concordance, concordance
from app.analysis.conventions import CONVENTIONS, Convention, Ties
from app.analysis.cox import CoxModel, CoxTies, NoMaximumError, cox_regression
from app.analysis.cox_predictions import (
    BaselineHazard,
    PredictedRate,
    baseline_hazard,
    predicted_rates,
)
from app.analysis.design_matrix import Design, NoModelError, separated
from app.analysis.hypothesis_test import TOO_FEW_CLUSTERS, HypothesisTest, wald_test
from app.analysis.observations import Observations, strata_in_sequence
from app.analysis.proportional_hazards import ProportionalHazards, TimeTransform, proportional_hazards_test

PENALISED = "not defined for penalised coefficients"
EXACT = "not defined with exact ties"
#: A model of more strata has no baseline hazards: they would be of a subject or two each.
MAX_STRATA = 50


@dataclass(frozen=True, slots=True)
class CoxOptions:
    """How a Cox model is fitted and reported; `ties` None are those of the convention."""

    convention: Convention = CONVENTIONS["r"]
    ties: CoxTies | None = None
    confidence_level: float = 0.95
    robust: bool = False
    penalizer: float = 0.0
    transform: TimeTransform = "km"
    landmarks: Sequence[float] = ()

    @property
    def handling(self) -> CoxTies:
        """Return how ties are handled."""
        return self.convention.ties if self.ties is None else self.ties

    @property
    def hazard(self) -> Ties:
        """Return how ties count in the baseline hazard: with exact ties as Breslow's do."""
        return "breslow" if self.handling == "exact" else self.handling


@dataclass(frozen=True, slots=True)
class CoxSummary:
    """A Cox model and what follows from it.

    Attributes
    ----------
    events : sum of frequencies
    likelihood_ratio, wald, score, robust_score : tests that all coefficients are 0; the last None if not robust
    aic : NaN where the model is penalised
    proportional : by term, in their order, and of all together
    profile : covariates of the baseline, shape [p]: means of numbers, reference levels of factors
    baselines : one a stratum, [] where there are more than 50
    rates : of each profile, and in it of each stratum, at the landmarks
    """

    model: CoxModel
    observations: Observations
    events: float
    likelihood_ratio: HypothesisTest
    wald: HypothesisTest
    score: HypothesisTest
    robust_score: HypothesisTest | None
    aic: float
    concordance: Concordance
    proportional: ProportionalHazards
    profile: FloatArray
    baselines: list[BaselineHazard]
    rates: list[list[list[PredictedRate]]]


def summarize_cox(
    observations: Observations, distinct: FloatArray, design: Design, profiles: FloatArray, options: CoxOptions
) -> CoxSummary:
    """Fit a Cox model and return all that is reported of it.

    Parameters
    ----------
    observations : its groups are the places of the rows' covariates in `distinct`
    distinct, profiles : covariates, shapes [d, p] and [k, p], with the columns of the design

    Raises
    ------
    NoModelError
        If the model does not exist, with the terms that are to blame.
    NoEstimateError, InvalidParameterError
        If there are no events; if exact ties would take too long or be robust.

    Examples
    --------
    >>> from app.analysis.design_matrix import design_of, distinct_rows
    >>> from app.analysis.observations import observe
    >>> values = {"age": [70.0, 50.0, 60.0, 65.0]}
    >>> distinct, group = distinct_rows(design_of(values).matrix(values))
    >>> sample = observe([1, 2, 3, 4], [True, True, True, False], group=group)
    >>> summary = summarize_cox(sample, distinct, design_of(values), distinct[:0], CoxOptions())
    >>> round(summary.concordance.estimate, 4), round(summary.aic, 4)
    (0.5, 8.3133)
    """
    laid = strata_in_sequence(observations)
    model = _model(laid, distinct[laid.groups], design, options)
    predictor = np.asarray(distinct @ model.coefficient)
    events = observations.event if observations.sampling else observations.weights * observations.event
    profile = baseline_profile(observations, distinct, design)
    baselines = _baselines(observations, distinct, model, profile, options)
    likelihood_ratio, wald, score, robust_score = _tests(model, options)
    return CoxSummary(
        model,
        observations,
        float(events.sum()),
        likelihood_ratio,
        wald,
        score,
        robust_score,
        np.nan if options.penalizer else 2 * (model.coefficient.size - model.log_likelihood),
        concordance(laid, predictor[laid.groups]),
        _proportional(observations, distinct, design, model, options),
        profile,
        baselines,
        [[_rates(baseline, model, predicted, options) for baseline in baselines] for predicted in profiles],
    )


def _model(laid: Observations, x: FloatArray, design: Design, options: CoxOptions) -> CoxModel:
    try:
        return cox_regression(
            laid,
            x,
            ties=options.handling,
            confidence_level=options.confidence_level,
            robust=options.robust,
            penalizer=options.penalizer,
        )
    except NoMaximumError as error:
        raise no_model(error, design) from None


def no_model(error: NoMaximumError, design: Design) -> NoModelError:
    """Return the error that says of which terms the columns without a maximum are, and what is wrong with these."""
    terms = [design.columns[column].term for column in error.columns]
    if error.monotone:
        return separated(terms)
    problem = "are collinear"
    if len(terms) == 1:
        problem = "is constant, or has a level that is,"
    elif len(set(terms)) == 1:
        problem = "has levels that cannot be told apart"
    return NoModelError(terms, f"{problem} among those at risk at the events")


def _tests(
    model: CoxModel, options: CoxOptions
) -> tuple[HypothesisTest, HypothesisTest, HypothesisTest, HypothesisTest | None]:
    size = model.coefficient.size
    ratio = 2 * max(model.log_likelihood - model.null_log_likelihood, 0.0)

    def test(name: str, statistic: float) -> HypothesisTest:
        if options.penalizer:
            return HypothesisTest(name, np.nan, size, np.nan, reason=PENALISED)
        reason = TOO_FEW_CLUSTERS if np.isnan(statistic) else None
        return HypothesisTest(name, statistic, size, float(chdtrc(size, statistic)), reason=reason)

    wald = test("wald", np.nan) if options.penalizer else wald_test(model.coefficient, model.covariance)
    robust = test("robust-score", model.robust_score_statistic) if options.robust else None
    return test("likelihood-ratio", ratio), wald, test("score", model.score_statistic), robust


def _proportional(
    observations: Observations, distinct: FloatArray, design: Design, model: CoxModel, options: CoxOptions
) -> ProportionalHazards:
    if options.penalizer or options.handling == "exact":
        reason = PENALISED if options.penalizer else EXACT
        nothing = HypothesisTest("proportional-hazards", np.nan, 0, np.nan, reason=reason)
        return ProportionalHazards([nothing for _ in design.terms], nothing)
    if observations.sampling:  # as shares of the rows: the unit of the weights does not matter
        observations = replace(observations, weight=observations.weights / observations.weights.mean())
    return proportional_hazards_test(
        observations,
        distinct[observations.groups],
        model.coefficient,
        ties=options.hazard,
        transform=options.transform,
        terms=list(design.terms.values()),
    )


def baseline_profile(observations: Observations, distinct: FloatArray, design: Design) -> FloatArray:
    """Return the means of numbers and 0, the reference level, for columns of factors; shape [p]."""
    mean = np.average(distinct[observations.groups], axis=0, weights=observations.weights)
    return np.where([column.level is None for column in design.columns], mean, 0.0)


def _baselines(
    observations: Observations, distinct: FloatArray, model: CoxModel, profile: FloatArray, options: CoxOptions
) -> list[BaselineHazard]:
    parts = [observations]
    if observations.stratum is not None:
        strata = np.unique(observations.stratum)
        parts = [observations.select(observations.stratum == code) for code in strata if strata.size <= MAX_STRATA]
    return [
        baseline_hazard(part, distinct[part.groups], model.coefficient, profile, ties=options.hazard) for part in parts
    ]


def _rates(baseline: BaselineHazard, model: CoxModel, profile: FloatArray, options: CoxOptions) -> list[PredictedRate]:
    return predicted_rates(
        baseline,
        model,
        profile,
        options.landmarks,
        confidence_level=options.confidence_level,
        carries_forward=options.convention.carries_forward,
    )
