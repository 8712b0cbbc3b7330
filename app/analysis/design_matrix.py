"""From covariates to the columns of a regression: factors by treatment coding, and what cannot be told apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from app.analysis.arrays import FloatArray, IntArray
from app.analysis.errors import NoEstimateError

Value = float | bool | str
Columns = Mapping[str, Sequence[Value]]

#: A column of which the others leave a smaller share of its variance is one of them, but for rounding.
ROUNDING = 1e-11


class NoModelError(NoEstimateError):
    """The model does not exist because of some of its terms, whose names the message has."""

    def __init__(self, terms: Sequence[str], problem: str) -> None:
        named = list(dict.fromkeys(terms))
        listed = " and ".join(filter(None, (", ".join(named[:-1]), named[-1])))
        super().__init__(f"the covariate{'s' if len(named) > 1 else ''} {listed} {problem}")
        self.terms = named
        self.problem = problem


def separated(terms: Sequence[str]) -> NoModelError:
    """Return the error of a likelihood that rises forever along coefficients of some terms."""
    verb = "separate" if len(set(terms)) > 1 else "separates"
    problem = "those with events from the others at risk: the likelihood is monotone, without a maximum"
    return NoModelError(terms, f"{verb} {problem}")


@dataclass(frozen=True, slots=True)
class DesignColumn:
    """A column of the matrix: a number of a term, or for a factor whether it is of `level` instead of `reference`."""

    term: str
    level: Value | None = None
    reference: Value | None = None


@dataclass(frozen=True, slots=True)
class Design:
    """How covariates become the columns of a matrix.

    Attributes
    ----------
    columns : of the matrix
    references : of each factor the level that the others are compared with
    """

    columns: list[DesignColumn]
    references: dict[str, Value]

    @property
    def terms(self) -> dict[str, list[int]]:
        """Return the places of the columns of each term, in the order of the terms."""
        places: dict[str, list[int]] = {}
        for place, column in enumerate(self.columns):
            places.setdefault(column.term, []).append(place)
        return places

    def matrix(self, values: Columns, size: int = 0) -> FloatArray:
        """Return the matrix [n, p] of n subjects whose values of each term, of levels known, are given.

        Without terms n is `size`.
        """
        columns = [_coded(values[column.term], column.level) for column in self.columns]
        return np.column_stack(columns) if columns else np.empty((size, 0))

    def profile(self, row: FloatArray) -> dict[str, Value]:
        """Return the values of the terms that a row of the matrix stands for."""
        values = dict(self.references)
        for column, value in zip(self.columns, row.tolist(), strict=True):
            if column.level is None:
                values[column.term] = value
            elif value == 1:
                values[column.term] = column.level
        return {term: values[term] for term in self.terms}


def design_of(values: Columns, reference_levels: Mapping[str, Value] | None = None) -> Design:
    """Return the design of a model with all the covariates: numbers as they are, booleans and strings as factors.

    A factor of k levels has k - 1 columns of 0 and 1, one a level but the reference, in sorted order.

    Parameters
    ----------
    values : of each covariate, one a subject, all numbers, all booleans or all strings
    reference_levels : default: of each factor the first level in sorted order

    Raises
    ------
    NoModelError
        If a covariate has the same value in all subjects.

    Examples
    --------
    >>> coded = design_of({"age": [61.0, 72.0, 55.0], "arm": ["b", "c", "a"]}, {"arm": "b"})
    >>> coded.matrix({"age": [50.0], "arm": ["c"]}), coded.terms, coded.columns[1].level
    (array([[50.,  0.,  1.]]), {'age': [0], 'arm': [1, 2]}, 'a')
    """
    columns: list[DesignColumn] = []
    references: dict[str, Value] = {}
    for term, of_subjects in values.items():
        known = set(of_subjects)
        if len(known) == 1:
            raise NoModelError([term], "is constant")
        if isinstance(of_subjects[0], float):
            columns.append(DesignColumn(term))
            continue
        levels: list[Value] = sorted(known, key=lambda level: str(level) if isinstance(level, str) else level)
        references[term] = (reference_levels or {}).get(term, levels[0])
        columns += [DesignColumn(term, level, references[term]) for level in levels if level != references[term]]
    return Design(columns, references)


def distinct_rows(matrix: FloatArray) -> tuple[FloatArray, IntArray]:
    """Return the distinct rows of a matrix, sorted, and the place of each row among them.

    As the groups of a sample the places keep rows with different covariates apart and join those with the same;
    the covariates of its rows are then `distinct[observations.groups]`, in whatever order rows came.

    Examples
    --------
    >>> distinct_rows(np.array([[2.0, 1.0], [1.0, 3.0], [2.0, 1.0]]))
    (array([[1., 3.],
           [2., 1.]]), array([1, 0, 1]))
    """
    order = np.lexsort(matrix.T[::-1]) if matrix.shape[1] else np.arange(len(matrix))
    ordered = matrix[order]
    differs = np.concatenate(([False], (ordered[1:] != ordered[:-1]).any(axis=1)))
    place = np.empty(order.size, dtype=np.int64)
    place[order] = np.cumsum(differs)
    return ordered[np.concatenate(([0], np.flatnonzero(differs)))], place


def check_told_apart(design: Design, information: FloatArray, least: float = 0, where: str = "") -> None:
    """Refuse a model of which a column does not vary, or is a combination of columns before it.

    Parameters
    ----------
    information : of the columns, shape [p, p]: for instance X' W X of columns less their mean, each in its own unit
    least : information of a column that is none but for rounding
    where : what the sentence of the refusal ends with

    Raises
    ------
    NoModelError
        That names the covariate that does not vary, or those that cannot be told apart.

    Examples
    --------
    >>> coded = design_of({"age": [61.0, 72.0, 55.0], "born": [39.0, 28.0, 45.0]})
    >>> check_told_apart(coded, np.array([[2.0, -2.0], [-2.0, 2.0]]))
    Traceback (most recent call last):
    app.analysis.design_matrix.NoModelError: the covariates age and born are collinear
    """
    places = dependent_columns(information, least)
    if places:
        problem = "is constant" if len(places) == 1 else "are collinear"
        names = [design.columns[place].term for place in places]
        if len(places) > 1 and len(set(names)) == 1:
            problem = "has levels that cannot be told apart"
        raise NoModelError(names, problem + where)


def dependent_columns(information: FloatArray, least: float = 0) -> list[int]:
    """Return the places of the first column that depends on those before it, and of these; [] where there is none.

    Examples
    --------
    >>> dependent_columns(np.array([[1.0, 0, 2], [0, 1, 0], [2, 0, 4]])), dependent_columns(np.eye(2))
    ([0, 2], [])
    """
    diagonal = information.diagonal()
    scale = np.sqrt(np.where(diagonal > least, diagonal, 1))
    correlation = information / np.outer(scale, scale)
    for place in range(scale.size):
        if diagonal[place] <= least:
            return [place]
        before = correlation[:place, :place]
        share = np.linalg.solve(before, correlation[:place, place])
        if 1 - correlation[place, :place] @ share <= ROUNDING:
            return [*np.flatnonzero(np.abs(share) > 1e-6 * np.abs(share).max()).tolist(), place]
    return []


def _coded(values: Sequence[Value], level: Value | None) -> FloatArray:
    coded = values if level is None else [value == level for value in values]
    return np.asarray(coded, dtype=np.float64) + 0.0  # + 0.0 makes -0.0 a zero like any other
