"""Arrow columns made from their bytes, against those that pyarrow makes."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tapeflow.core.arrow import column

TIME = pa.timestamp("us", tz="UTC")


@pytest.mark.parametrize(
    "values",
    [
        np.array([1.5, np.nan, -0.0]),
        np.arange(6)[::2],
        np.array([1, 2], dtype=np.int8),
        np.array([True, False, True]),
        np.array(["a", "béta", ""]),
        np.array(["a", None], dtype=object),
        np.array([]),
    ],
)
def test_an_array_becomes_what_pyarrow_makes_of_it(values: Any) -> None:
    made = column(values)
    made.validate(full=True)
    expected = pa.array(values)
    assert (made.type, len(made)) == (expected.type, len(expected))
    assert repr(made.to_pylist()) == repr(expected.to_pylist())


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, None, -3], pa.int64()),
        ([1.5, None, float("nan"), 2], pa.float64()),
        ([1_700_000_000_000_000, None], TIME),
        (np.array([1_700_000_000_000_000]), TIME),
        (["a", None, "µ"], pa.string()),
        ([True, None, False], pa.bool_()),
        ([], pa.string()),
        ([], TIME),
        ([None] * 9, pa.int64()),
    ],
)
def test_a_list_becomes_what_pyarrow_makes_of_it(values: Any, kind: pa.DataType) -> None:
    made, expected = column(values, kind), pa.array(values, kind)
    made.validate(full=True)
    assert repr(made.to_pylist()) == repr(expected.to_pylist())
    assert (made.type, made.null_count) == (expected.type, expected.null_count)


def test_pandas_is_not_imported() -> None:
    script = (
        "import sys, numpy, pyarrow, pyarrow.parquet as pq; from tapeflow.core.arrow import column\n"
        "pq.write_table(pyarrow.table({'a': column(numpy.ones(3)), 'b': column(['x', None, 'y'], pyarrow.string())}), "
        "pyarrow.BufferOutputStream())\n"
        "print('pandas' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
