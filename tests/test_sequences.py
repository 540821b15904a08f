"""Sequences in every form they may come in, and going back to it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator

from reservoirs.sequences import are_many, check_sequences, check_targets, join


def check(X, **settings):
    return check_sequences(BaseEstimator(), X, **{"dtype": np.float64, "reset": True} | settings)


@pytest.mark.parametrize(
    ("X", "many"),
    [
        (np.zeros((3, 2)), False),
        (np.zeros(3), False),
        (np.zeros((4, 3, 2)), True),
        ([[1.0, 2.0], [3.0, 4.0]], False),
        ([1.0, 2.0], False),
        ([[[1.0], [2.0]], [[3.0]]], True),
        ([np.zeros((3, 1))], True),
        ((np.zeros((3, 1)), np.zeros((2, 1))), True),
        (np.array([np.zeros((3, 1)), np.zeros((2, 1))], dtype=object), True),
        ([np.zeros(3), np.zeros(3)], False),
        ([], True),
        (pd.DataFrame({"a": [1.0]}), False),
        ([pd.DataFrame({"a": [1.0]})], True),
        (None, False),
        ("text", False),
    ],
)
def test_what_many_sequences_are(X, many):
    assert are_many(X) is many


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_table_is_one_sequence(order):
    X = np.array(np.arange(6).reshape(3, 2), order=order)
    sequences = check(X)
    assert (sequences.form, len(sequences), sequences.n_features) == ("single", 1, 2)
    assert sequences.values.flags.c_contiguous
    np.testing.assert_array_equal(sequences.values, X)
    assert sequences.in_form(sequences.values) is sequences.values


def test_ragged_sequences_lie_one_after_another():
    parts = [np.ones((2, 3)), np.full((1, 3), 2), np.full((4, 3), 3)]
    sequences = check(parts)
    assert sequences.offsets.tolist() == [0, 2, 3, 7]
    assert sequences.lengths.tolist() == [2, 1, 4]
    np.testing.assert_array_equal(sequences.values[:, 0], [1, 1, 2, 3, 3, 3, 3])
    for mine, given in zip(sequences, parts, strict=True):
        np.testing.assert_array_equal(mine, given)
    back = sequences.in_form(sequences.values[:, 0])
    assert [part.tolist() for part in back] == [[1, 1], [2], [3, 3, 3, 3]]
    back = sequences.in_form(np.array([1.0, 3, 3, 3]), dropped=1)
    assert [len(part) for part in back] == [1, 0, 3]


@pytest.mark.parametrize("bounds", [[[2, 5]], [[4, 6], [0, 1], [9, 9], [7, 10]], [[3, 3]], [[3, 3], [8, 8]]])
def test_rows_of_stretches_are_found_and_overwritten(bounds):
    sequences = join([np.arange(14.0).reshape(7, 2), np.arange(14.0, 20.0).reshape(3, 2)])
    numbers = [row for begin, end in bounds for row in range(begin, end)]
    assert sequences.rows(np.array(bounds)).tolist() == sequences.values[numbers].tolist()
    expected = sequences.values.copy()
    expected[numbers] = -np.arange(2.0 * len(numbers)).reshape(-1, 2)
    sequences.put_rows(np.array(bounds), expected[numbers])
    assert sequences.values.tolist() == expected.tolist()


def test_a_3d_array_comes_back_as_one():
    X = np.arange(24.0).reshape(2, 4, 3)
    sequences = check(X)
    assert sequences.form == "array"
    np.testing.assert_array_equal(sequences.in_form(sequences.values), X)
    np.testing.assert_array_equal(sequences.in_form(sequences.values[[1, 2, 3, 5, 6, 7]], dropped=1), X[:, 1:])


def test_a_list_of_one_comes_back_as_one():
    sequences = check([np.ones((2, 3))])
    assert sequences.form == "list"
    assert [part.shape for part in sequences.in_form(sequences.values)] == [(2, 3)]


def test_rows_may_be_whole_series():
    sequences = check(np.arange(6.0).reshape(2, 3), rows_are_series=True)
    assert sequences.lengths.tolist() == [3, 3]
    assert sequences.n_features == 1
    np.testing.assert_array_equal(sequences.values[:, 0], np.arange(6))


def test_one_table_of_the_right_precision_is_not_copied():
    for dtype in (np.float32, np.float64):
        X = np.zeros((5, 2), dtype)
        assert check(X, dtype=[np.float64, np.float32]).values is X
        assert check([X], dtype=[np.float64, np.float32]).values is X


@pytest.mark.parametrize("given", [np.float16, np.int64, bool])
def test_other_types_become_float64(given):
    assert check(np.ones((2, 1), given), dtype=[np.float64, np.float32]).values.dtype == np.float64


def test_mixed_precision_becomes_the_wider():
    assert (
        join([np.ones((2, 1), np.float32), np.ones((2, 1))], dtype=[np.float64, np.float32]).values.dtype == np.float64
    )


def test_targets_may_have_one_or_two_dimensions():
    one, several = check(np.zeros((4, 1))), check([np.zeros((2, 1)), np.zeros((3, 1))])
    for y, like, shape, one_dimensional in [
        ([1, 2, 3, 4], one, (4, 1), True),
        (np.zeros((4, 1)), one, (4, 1), False),
        (np.zeros((4, 2)), one, (4, 2), False),
        ([[1, 2], [3, 4, 5]], several, (5, 1), True),
        ([np.zeros((2, 2)), np.zeros((3, 2))], several, (5, 2), False),
    ]:
        targets, flat = check_targets(y, like)
        assert (targets.shape, targets.dtype, flat) == (shape, np.float64, one_dimensional)
