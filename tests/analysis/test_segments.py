"""Samples one after another: what is done to all at once is what is done to each."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.analysis.arrays import FloatArray
from app.analysis.segments import Segments

SAMPLES = st.lists(st.lists(st.integers(-5, 5).map(float), min_size=1, max_size=6), min_size=1, max_size=5)


def joined(samples: list[list[float]]) -> tuple[Segments, FloatArray]:
    return Segments.of([len(sample) for sample in samples]), np.concatenate([np.array(sample) for sample in samples])


@given(SAMPLES)
def test_sums_are_those_of_each_sample(samples: list[list[float]]) -> None:
    segments, values = joined(samples)
    parts = [np.array(sample) for sample in samples]
    np.testing.assert_array_equal(segments.sums(values), [part.sum() for part in parts])
    np.testing.assert_array_equal(segments.running(values), np.concatenate([part.cumsum() for part in parts]))
    remaining = [part[::-1].cumsum()[::-1] for part in parts]
    np.testing.assert_array_equal(segments.remaining(values), np.concatenate(remaining))
    products = segments.running(np.array([values, 2 * values]), np.multiply)
    np.testing.assert_array_equal(products[1], np.concatenate([(2 * part).cumprod() for part in parts]))


@given(SAMPLES, st.integers(-5, 6))
def test_the_first_place_is_that_of_each_sample(samples: list[list[float]], level: int) -> None:
    segments, values = joined(samples)
    firsts = []
    for start, sample in zip(segments.starts.tolist(), samples, strict=True):
        firsts.append(next((start + place for place, value in enumerate(sample) if value >= level), -1))
    found = segments.first(np.array([values >= level, values < -9]))
    assert found.tolist() == [firsts, [-1] * len(samples)]


@given(SAMPLES)
def test_what_is_split_can_be_joined(samples: list[list[float]]) -> None:
    segments, values = joined(samples)
    assert [part.tolist() for part in segments.split(values)] == samples
    assert segments.each(np.arange(float(len(samples)))).tolist() == [i for i, one in enumerate(samples) for _ in one]
    before = [value for sample in samples for value in (0.5, *sample[:-1])]
    assert segments.before(np.array([values, values]), 0.5).tolist() == [before, before]
    assert values[segments.lasts].tolist() == [sample[-1] for sample in samples]
