"""What a careful statistician adds to a Fine-Gray model: the methods in sentences, and warnings."""

from collections.abc import Iterator

from app.analysis import cox_notes
from app.analysis.cox_notes import TIES, empty_strata, few_clusters, sample_cautions
from app.analysis.fine_gray_summary import FineGrayOptions, FineGraySummary
from app.analysis.observations import Observations
from app.analysis.survival_notes import DELAYED_ENTRY, Caution, cautions

SENTENCES = {
    "missing_covariates": cox_notes.SENTENCES["missing_covariates"],
    "few_events": cox_notes.SENTENCES["few_events"],
    "more_coefficients_than_events": cox_notes.SENTENCES["more_coefficients_than_events"],
    "stratum_without_events": cox_notes.SENTENCES["stratum_without_events"],
    "no_competing_events": "No competing events, so that this is a Cox model with robust errors: {}.",
    "few_clusters": cox_notes.SENTENCES["few_clusters"],
    "covariates_carried_forward": "After a competing event the covariates of a subject's last row are carried on, "
    "which has no meaning unless they are fixed: {}.",
}


def fine_gray_warnings(summary: FineGraySummary, *, dropped: str = "", repeated: bool = False) -> list[Caution]:
    """Return what should be said aloud of a model, each warning once.

    Parameters
    ----------
    dropped : how many of how many were left out for a missing covariate, "" for none
    repeated : whether a subject has several rows
    """
    found = [
        *sample_cautions(summary.model.coefficient.size, summary.events, dropped),
        *empty_strata(summary.observations, summary.observations.cause == 1),
    ]
    if summary.competing == 0:
        found.append(("no_competing_events", "the model"))
    if few_clusters(summary.observations, summary.model.standard_error):
        found.append(("few_clusters", "the model"))
    if repeated:
        found.append(("covariates_carried_forward", "subjects of several rows"))
    return cautions(found, SENTENCES)


def fine_gray_methods(
    observations: Observations, options: FineGrayOptions, unit: str = "subject", *, predictions: bool
) -> Iterator[str]:
    """Yield how a model came about, in sentences with their references; `unit` is what clusters are."""
    stratified = observations.stratum is not None
    yield (
        "Ratios of subdistribution hazards are those of a Fine-Gray model (J Am Stat Assoc 1999;94:496-509), with "
        f"{TIES[options.ties]}{', with a baseline hazard for each stratum' if stratified else ''}; "
        f"{100 * options.confidence_level:g} % intervals are exp(b -+ z SE)."
    )
    yield from _weight_methods(observations)
    yield (
        f"Standard errors, limits and tests are robust, clustered by {unit} (Zhou et al., Biostatistics "
        "2012;13:371-383), and include the variance of the estimated weights, as in Fine and Gray and in crr of R's "
        "cmprsk; those for fixed weights do not, as in coxph after finegray of R's survival."
    )
    yield (
        f"The baseline is {options.ties.capitalize()}'s cumulative subdistribution hazard, at the means of numbers and "
        "the reference levels of factors."
    )
    if predictions:
        yield (
            "Predicted cumulative incidence is 1 - exp(-H), with limits by the logarithm of H that allow for the "
            "errors of the baseline, of the weights and of the coefficients."
        )


def _weight_methods(observations: Observations) -> Iterator[str]:
    strata = "" if observations.stratum is None else ", within strata (Zhou et al., Biometrics 2011;67:661-670)"
    delayed = observations.entry is not None
    yield (
        "Subjects with a competing event stay at risk with weights from the Kaplan-Meier estimate of censoring"
        f"{' and the product-limit estimate of entry' if delayed else ''} (Geskus, Biometrics 2011;67:39-49){strata}, "
        f"which take these as unrelated to the covariates; events come before censorings at the same time."
    )
    if delayed:
        yield DELAYED_ENTRY
