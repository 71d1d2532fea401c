"""What tests of indicators against plain Python share: bars with and without trades, and how numbers are compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from tapeflow.core.samples import empty_bars, sample_bars

BARS = sample_bars(400, seed=11)
GAPPY = empty_bars(BARS, np.flatnonzero(np.random.default_rng(1).random(400) < 0.2))


def hourly(**columns: Sequence[float]) -> pd.DataFrame:
    n = len(next(iter(columns.values())))
    return pd.DataFrame(columns, index=pd.date_range("2025-09-01 01:00", periods=n, freq="1h"))


def agree(expected: Any, actual: Any, rel: float = 1e-9) -> None:
    np.testing.assert_allclose(
        np.asarray(actual, float), np.asarray(expected, float), rtol=rel, atol=1e-12, equal_nan=True
    )
