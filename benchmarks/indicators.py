"""Indicators over a million bars, beside pandas and TA-Lib where they have the measure; one process, in turn."""

from __future__ import annotations

import argparse
import statistics
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import talib

from tapeflow.core.bars import Bars
from tapeflow.core.plugins.registry import INDICATORS
from tapeflow.core.samples import sample_bars

Peer = Callable[[pd.DataFrame], Any]
WINDOW = 240
KINDS: dict[str, dict[str, Any]] = {
    "SignedVolume": {},
    "HeikinAshi": {},
    "VolumeDelta": {},
    "CVD": {},
    "TakerRatio": {},
    "TakerVolume": {},
    "FlowEntropy": {},
    "VWAP": {"bands": []},
    "TWAP": {},
    "Rolling": {"window": WINDOW},
    "ZScore": {"window": WINDOW},
    "Percentile": {"window": WINDOW},
    "FlowToxicity": {"window": WINDOW},
    "RealizedVol": {"window": WINDOW},
    "Parkinson": {"window": WINDOW},
    "Amihud": {"window": WINDOW},
    "KyleLambda": {"window": WINDOW},
    "RollSpread": {"window": WINDOW},
    "VPIN": {},
    "VolumeProfile": {"window": 1440},
}


def _delta(frame: pd.DataFrame) -> Any:
    return frame["taker_buy_volume"] - frame["taker_sell_volume"]


def _days(frame: pd.DataFrame) -> Any:
    return frame["open_time"] // 86_400_000_000


def _vwap(frame: pd.DataFrame) -> Any:
    sums = frame[["quote_volume", "volume"]].groupby(_days(frame)).cumsum()
    return sums["quote_volume"] / sums["volume"]


def _z_score(values: Any) -> Any:
    window = values.rolling(WINDOW)
    return (values - window.mean()) / window.std()


def _kyle(frame: pd.DataFrame) -> Any:
    change, delta = frame["close"].diff(), _delta(frame)
    return change.rolling(WINDOW).cov(delta) / delta.where(change.notna()).rolling(WINDOW).var()


def _roll(frame: pd.DataFrame) -> Any:
    change = frame["close"].diff()
    cov = change.rolling(WINDOW).cov(change.shift())
    return 2 * np.sqrt((-cov).where(cov <= 0))


PANDAS: dict[str, Peer] = {
    "SignedVolume": lambda f: f["volume"] * np.sign(f["close"] - f["open"]),
    "VolumeDelta": _delta,
    "CVD": lambda f: _delta(f).groupby(_days(f)).cumsum(),
    "TakerRatio": lambda f: f["taker_buy_volume"] / f["taker_sell_volume"],
    "VWAP": _vwap,
    "Rolling": lambda f: f["close"].rolling(WINDOW).mean(),
    "ZScore": lambda f: _z_score(f["close"]),
    "Percentile": lambda f: f["close"].rolling(WINDOW).rank(pct=True, method="max"),
    "RealizedVol": lambda f: np.sqrt((np.log(f["close"]).diff() ** 2).rolling(WINDOW).sum()),
    "Parkinson": lambda f: np.sqrt((np.log(f["high"] / f["low"]) ** 2).rolling(WINDOW).mean() / (4 * np.log(2))),
    "Amihud": lambda f: (f["close"].pct_change().abs() / f["quote_volume"]).rolling(WINDOW).mean(),
    "KyleLambda": _kyle,
    "RollSpread": _roll,
}
TALIB: dict[str, Peer] = {
    "Rolling": lambda f: talib.SMA(f["close"].to_numpy(), WINDOW),
    "ZScore": lambda f: (
        (f["close"].to_numpy() - talib.SMA(f["close"].to_numpy(), WINDOW)) / talib.STDDEV(f["close"].to_numpy(), WINDOW)
    ),
}
"""TA-Lib divides a deviation by the number of values, so its z-scores are larger by sqrt(240 / 239)."""


def market(n: int) -> tuple[Bars, pd.DataFrame]:
    """Bars with every column and price rows, and what of them the peers read."""
    bars = sample_bars(n)
    return bars, bars.frame().reset_index(drop=True)


def seconds(run: Callable[[], Any], repeats: int) -> float:
    """Median CPU time, after one run that warms up."""
    run()
    taken = []
    for _ in range(repeats):
        start = time.process_time()
        run()
        taken.append(time.process_time() - start)
    return statistics.median(taken)


def agree(ours: Any, theirs: Any, name: str) -> None:
    """Fail unless both give the same where both give a value."""
    a, b = np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float)
    known = np.isfinite(a) & np.isfinite(b)
    if name == "ZScore via TA-Lib":
        b = b * np.sqrt((WINDOW - 1) / WINDOW)
    off = np.abs(a - b)[known]
    assert known.any(), f"{name}: nothing to compare"
    assert off.max() <= 1e-6 * np.nanmax(np.abs(a)), f"{name}: off by {off.max()}"


def main() -> None:
    """Print the table."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--bars", type=int, default=1_000_000)
    ask.add_argument("--repeats", type=int, default=5)
    ask.add_argument("kinds", nargs="*", help="only these")
    given = ask.parse_args()
    warnings.simplefilter("ignore", RuntimeWarning)
    bars, frame = market(given.bars)
    print(f"{given.bars:,} bars, windows of {WINDOW}; CPU seconds per million bars, medians of {given.repeats}\n")
    print(f"{'indicator':<16}{'tapeflow':>10}{'pandas':>10}{'TA-Lib':>10}")
    for kind, params in KINDS.items():
        if given.kinds and kind not in given.kinds:
            continue
        cls: Any = INDICATORS.find(kind)
        main_line = cls.table(bars, **params)[0]
        row = (
            f"{kind:<16}{_per_million(seconds(lambda c=cls, p=params: c.table(bars, **p), given.repeats), given.bars)}"
        )
        for name, peers in (("pandas", PANDAS), ("TA-Lib", TALIB)):
            if kind not in peers:
                row += f"{'':>10}"
                continue
            agree(main_line, peers[kind](frame), f"{kind} via {name}")
            row += _per_million(seconds(lambda run=peers[kind]: run(frame), given.repeats), given.bars)
        print(row, flush=True)


def _per_million(taken: float, bars: int) -> str:
    return f"{taken * 1e6 / bars:>10.3f}"


if __name__ == "__main__":
    main()
