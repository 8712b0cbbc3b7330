"""Between the wire and regressions of every kind: request to sample and design, refusals with the covariates' names."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from app.analysis.arrays import FloatArray
from app.analysis.design_matrix import Design, DesignColumn, NoModelError, Value, design_of, distinct_rows
from app.analysis.hypothesis_test import TOO_FEW_CLUSTERS
from app.analysis.intervals import OUT_OF_RANGE
from app.analysis.observations import Observations, observe
from app.api.convert_subjects import sorted_codes
from app.api.errors import ProblemError
from app.schemas.faults import Location
from app.schemas.problem import Fault
from app.schemas.regression import RegressionRequest, complete_rows, term_names
from app.schemas.subjects import Category, label

MISSING = "a covariate is missing"
MISSING_ROWS = "rows in which a covariate is missing"


@dataclass(frozen=True, slots=True)
class RegressionSample:
    """The complete rows of a request, as the core has them.

    Attributes
    ----------
    observations : the sample; its groups are the places of the rows' covariates
    distinct : the distinct rows of covariates, shape [d, p]
    design : what its columns are
    profiles : rows of covariates that are predicted for, shape [k, p]
    strata : labels of the strata in the order of their codes, [] without strata
    robust : whether errors are to be robust
    unit : what clusters are, "cluster" or "subject"
    subjects_in, subjects, excluded : subjects of all rows, of these rows, and by reason those left out
    """

    observations: Observations
    distinct: FloatArray
    design: Design
    profiles: FloatArray
    strata: list[str]
    robust: bool
    unit: str
    subjects_in: int
    subjects: int
    excluded: dict[str, int]

    @property
    def covariates(self) -> FloatArray:
        """Return the covariates of the sorted rows of the sample, shape [n, p]."""
        return self.distinct[self.observations.groups]

    @property
    def counts(self) -> dict[str, Any]:
        """Return how many subjects there are, were used and were not, under the names that `meta` has for them."""
        return {"subjects_in": self.subjects_in, "subjects_used": self.subjects, "excluded": self.excluded}

    @property
    def dropped(self) -> str:
        """Return how many were left out for a missing covariate, "" for none."""
        if MISSING_ROWS in self.excluded:
            rows = self.excluded[MISSING_ROWS]
            return f"{rows} row{'s' if rows > 1 else ''}"
        return f"{self.excluded[MISSING]} of {self.subjects_in}" if self.excluded else ""


def regression_sample(
    request: RegressionRequest, cause: Sequence[int], *, robust: bool, subjects_apart: bool = False
) -> RegressionSample:
    """Return the sample of a request, without the rows that lack a covariate; `cause` says what ended each row.

    It has clusters where errors are `robust`; and, if there are ids and `subjects_apart`, in any case.
    A model without terms has one profile, which has no values.
    """
    subjects, kept = request.subjects, complete_rows(request)

    def of_kept(column: Sequence[Any] | None) -> list[Any] | None:
        return None if column is None else [column[place] for place in kept]

    values = {name: of_kept(subjects.covariates[name]) or [] for name in term_names(request)}
    design = design_of(values, request.reference_levels)
    distinct, place = distinct_rows(design.matrix(values, len(kept)))
    stratum = of_kept(subjects.stratum)
    cluster = of_kept(subjects.cluster) if robust else None
    unit = "subject" if cluster is None else "cluster"
    if cluster is None and (robust or subjects_apart):
        cluster = of_kept(subjects.id)
    observations = observe(
        of_kept(subjects.time) or [],
        of_kept(cause) or [],
        entry=of_kept(subjects.entry),
        weight=of_kept(subjects.weight),
        group=place,
        stratum=sorted_codes(stratum),
        cluster=sorted_codes(cluster),
        sampling=request.weight_kind == "sampling",
    )
    predict_for = request.predict_for or ([] if values else [{}])
    profiles = {name: [profile[name] for profile in predict_for] for name in values}
    every, used = _subjects(request, range(len(subjects.time))), _subjects(request, kept)
    return RegressionSample(
        observations,
        distinct,
        design,
        design.matrix(profiles, len(predict_for)),
        [label(one) for one in sorted(set(stratum or ()))],
        robust,
        unit,
        every,
        used,
        _excluded(request, len(subjects.time) - len(kept), every - used),
    )


def _excluded(request: RegressionRequest, rows: int, subjects: int) -> dict[str, int]:
    # A subject of several rows may lose some of them and still be there.
    if not rows:
        return {}
    return {MISSING: subjects} if request.subjects.id is None else {MISSING_ROWS: rows}


def is_robust(request: RegressionRequest) -> bool:
    """Return whether errors are to be robust."""
    if request.robust is None:
        return request.subjects.cluster is not None or request.weight_kind == "sampling"
    return request.robust


def why_missing(effect: Mapping[str, float | None], ratio: str) -> str | None:
    """Return why an effect lacks its error, or the ratio of a name or its limits; None where it has them."""
    return TOO_FEW_CLUSTERS if effect["z"] is None else out_of_range(effect[ratio], effect["lower"], effect["upper"])


def out_of_range(*figures: float | None) -> str | None:
    """Return why there is no ratio, or limit of one: it is infinite."""
    return OUT_OF_RANGE if None in figures else None


def repeats(subjects: Iterable[Category]) -> bool:
    """Return whether a subject is there more than once."""
    listed = list(subjects)
    return len(set(listed)) < len(listed)


@contextmanager
def told_by_name(request: RegressionRequest) -> Iterator[None]:
    """Refuse a model that does not exist with pointers to the covariates that are to blame."""
    try:
        yield
    except NoModelError as error:
        known = request.subjects.covariates
        faults = [
            Fault(pointer=_pointer(("subjects", *request.subjects.cell(term))), detail=error.problem)
            for term in error.terms
            if term in known
        ]
        raise ProblemError(error.code, str(error), faults=faults) from None


def wire_profile(design: Design, row: FloatArray) -> dict[str, float | str]:
    """Return the covariates that a row of the matrix stands for: numbers as they are, others as labels."""
    return {term: _wire(value) for term, value in design.profile(row).items()}


def wire_term(column: DesignColumn) -> dict[str, Any]:
    """Return what a column of the matrix is, as an answer has it; a number has no levels."""
    levels = {"level": column.level, "reference": column.reference}
    return {"term": column.term} | {
        name: None if level is None else str(_wire(level)) for name, level in levels.items()
    }


def _wire(value: Value) -> float | str:
    return value if isinstance(value, float) else label(value)


def _pointer(location: Location) -> str:
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in location)


def _subjects(request: RegressionRequest, places: Sequence[int]) -> int:
    """Return how many subjects the rows at some places are of."""
    subjects = request.subjects
    weights = [1.0] * len(subjects.time) if request.weight_kind == "sampling" else subjects.weight
    if subjects.id is None:
        return len(places) if weights is None else round(sum(weights[place] for place in places))
    of_id: dict[Any, float] = {}
    for place in places:
        weight = 1.0 if weights is None else weights[place]
        of_id[subjects.id[place]] = max(weight, of_id.get(subjects.id[place], 0.0))
    return round(sum(of_id.values()))
