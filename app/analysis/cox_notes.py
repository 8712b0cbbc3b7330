"""What a careful statistician adds to a Cox model: the methods in sentences, and warnings."""

from collections.abc import Iterator

import numpy as np

from app.analysis.arrays import BoolArray, FloatArray
from app.analysis.cox import CoxTies
from app.analysis.cox_summary import CoxOptions, CoxSummary
from app.analysis.design_matrix import Design
from app.analysis.observations import Observations
from app.analysis.survival_notes import DELAYED_ENTRY, DOUBTFUL, FEW_CLUSTERS, Caution, Found, cautions

FEW_EVENTS = 10

SENTENCES = {
    "missing_covariates": "Rows with a missing covariate are left out, which biases estimates unless they are missing "
    "by chance: {}.",
    "few_events": f"Fewer than {FEW_EVENTS} events a coefficient, so that estimates are imprecise and may be biased: "
    "{}.",
    "more_coefficients_than_events": "More coefficients than events, so that the model says next to nothing: {}.",
    "stratum_without_events": "Strata without events tell nothing of the coefficients: {}.",
    "nonproportional_hazards": "Hazards may not be proportional (Grambsch-Therneau test, p < 0.05), so that hazard "
    "ratios are averages over time: {}.",
    "few_clusters": f"Fewer than {FEW_CLUSTERS} clusters or subjects, so that robust standard errors are too small: "
    "{}.",
    "rows_as_independent": "These take rows as independent subjects, whatever clusters or sampling weights say; the "
    "Wald and robust score tests do not: {}.",
    "repeated_events": "Subjects have several events, which standard errors take as independent; robust errors would "
    "not: {}.",
    "penalised": "Penalised coefficients are drawn to 0, and their intervals do not cover at the level named: {}.",
}
TIES: dict[CoxTies, str] = {
    "efron": "Efron's treatment of ties (J Am Stat Assoc 1977;72:557-565)",
    "breslow": "Breslow's treatment of ties (Biometrics 1974;30:89-99)",
    "exact": "the exact partial likelihood of tied events (Cox, J R Stat Soc B 1972;34:187-220; Gail et al., "
    "Biometrika 1981;68:703-707)",
}
TRANSFORMS = {"km": "1 - S(t) by Kaplan and Meier", "rank": "the rank of time", "identity": "time"}


def cox_warnings(summary: CoxSummary, design: Design, *, dropped: str = "", repeated: bool = False) -> list[Caution]:
    """Return what should be said aloud of a model, each warning once.

    Parameters
    ----------
    dropped : how many of how many were left out for a missing covariate, "" for none
    repeated : whether a subject has more than one event
    """
    found = [
        *sample_cautions(summary.model.coefficient.size, summary.events, dropped),
        *empty_strata(summary.observations, summary.observations.event),
        *_model_cautions(summary, design),
    ]
    if repeated and summary.robust_score is None:
        found.append(("repeated_events", "standard errors"))
    return cautions(found, SENTENCES)


def sample_cautions(coefficients: int, events: float, dropped: str) -> Iterator[Found]:
    """Yield what is to be said of the size of a sample, whatever the model; `dropped` as in `cox_warnings`."""
    if dropped:
        yield "missing_covariates", dropped
    if events < FEW_EVENTS * coefficients:
        yield "few_events", f"{events:.15g} for {coefficients}"
    if events < coefficients:
        yield "more_coefficients_than_events", f"{coefficients} for {events:.15g}"


def empty_strata(observations: Observations, event: BoolArray) -> Iterator[Found]:
    """Yield how many strata have no event, if there are any; `event` says which rows have it."""
    if observations.stratum is not None:
        strata, with_events = (np.unique(of).size for of in (observations.stratum, observations.stratum[event]))
        if with_events < strata:
            yield "stratum_without_events", f"{strata - with_events} of {strata}"


def _model_cautions(summary: CoxSummary, design: Design) -> Iterator[Found]:
    for term, test in zip(design.terms, summary.proportional.terms, strict=True):
        if test.p_value < DOUBTFUL:
            yield "nonproportional_hazards", term
    if summary.proportional.overall.p_value < DOUBTFUL:
        yield "nonproportional_hazards", "all terms together"
    if summary.robust_score is not None:
        if few_clusters(summary.observations, summary.model.standard_error):
            yield "few_clusters", "the model"
        yield "rows_as_independent", "likelihood-ratio, score, AIC"
    if np.isnan(summary.aic):
        yield "penalised", "all coefficients"


def few_clusters(observations: Observations, standard_error: FloatArray) -> bool:
    """Return whether robust errors, where there are any, rest on few clusters."""
    if observations.cluster is None or np.isnan(standard_error).any():
        return False
    return observations.persons < FEW_CLUSTERS


def cox_methods(
    observations: Observations, options: CoxOptions, unit: str = "subject", *, predictions: bool
) -> Iterator[str]:
    """Yield how a model came about, in sentences with their references; `unit` is what clusters are."""
    strata = "" if observations.stratum is None else ", with a baseline hazard for each stratum"
    yield (
        "Hazard ratios are those of a Cox proportional hazards model (J R Stat Soc B 1972;34:187-220), with "
        f"{TIES[options.handling]}{strata}; {100 * options.confidence_level:g} % intervals are exp(b -+ z SE)."
    )
    if options.robust:
        yield (
            f"Standard errors are robust, clustered by {unit} (Lin and Wei, J Am Stat Assoc 1989;84:1074-1078); the "
            "likelihood ratio and score tests are not."
        )
    if options.penalizer:
        yield (
            f"Coefficients have a ridge penalty of {options.penalizer:g}: n times half of it times the sum of squares "
            "of coefficients in standard deviations of their covariates was taken off the log likelihood (Verweij and "
            "van Houwelingen, Stat Med 1994;13:2427-2436); standard errors are those of its curvature."
        )
    yield (
        "Concordance is Harrell's (JAMA 1982;247:2543-2546), within strata, with the standard error of the "
        "infinitesimal jackknife."
    )
    if not options.penalizer and options.handling != "exact":
        yield (
            "Proportional hazards were tested by the score test of Grambsch and Therneau (Biometrika 1994;81:515-526), "
            f"against a change with {TRANSFORMS[options.transform]}."
        )
    if observations.entry is not None:
        yield DELAYED_ENTRY
    yield from _prediction_methods(options, predictions=predictions)


def _prediction_methods(options: CoxOptions, *, predictions: bool) -> Iterator[str]:
    yield (
        f"The baseline hazard is {options.hazard.capitalize()}'s, at the means of numbers and the reference levels of "
        "factors."
    )
    if predictions:
        yield (
            "Predicted survival is exp(-H), with limits on the log scale that allow for the errors of the baseline "
            "hazard and of the coefficients (Tsiatis, Ann Stat 1981;9:93-108)."
        )
