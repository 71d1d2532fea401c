"""Three months of one-minute klines through `tapeflow run`, whole processes, second time: with and without the report.

The klines are random and written on the spot, as the exchange packs them: a zip a month. What each process spends is
CPU time, the least of some runs taken in turn; what of it goes into imports is taken down within the run.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

START, DAYS = datetime(2024, 7, 1, tzinfo=UTC), (31, 31, 30)
MINUTE = 60_000
HEADER = (
    "open_time,open,high,low,close,volume,close_time,quote_volume,count,"
    "taker_buy_volume,taker_buy_quote_volume,ignore\n"
)
CONFIG = """\
name: reversion
data:
  btc: {{feed: BinanceKlines, path: "{folder}/*.zip", market: um, tick: 0.1, lot: 0.001}}
indicators:
  vwap: {{kind: VWAP}}
  delta: {{kind: VolumeDelta}}
  toxicity: {{kind: FlowToxicity, window: 240}}
strategy:
  kind: Rules
  params: {{long: {{enter: close < vwap.lower1 and delta.percent > 0.2, exit: close > vwap}}, stop_loss: 1%}}
broker: {{cash: 100000, fees: {{maker: 2bp, taker: 5bp}}, slippage: 1tick}}
sizer: {{percent: 25}}
"""
MAIN = "from tapeflow.cli import main; main()"
COUNTING = """\
import atexit, pathlib, time, _frozen_importlib as machinery

load, depth, spent = machinery._find_and_load, 0, 0.0


def counted(*given):
    global depth, spent
    before, depth = time.process_time(), depth + 1
    try:
        return load(*given)
    finally:
        depth -= 1
        if not depth:
            spent += time.process_time() - before


machinery._find_and_load = counted
atexit.register(lambda: pathlib.Path({!r}).write_text(str(spent)))
"""
"""Has a process write down how much CPU time went into its imports."""


def klines(folder: Path) -> int:
    """Write a random walk as dumps of whole months; how many bars."""
    rng, price, day = np.random.default_rng(7), 40_000.0, START
    for days in DAYS:
        n = days * 1440
        close = np.round(price * np.exp(np.cumsum(rng.normal(0, 6e-4, n))), 1)
        opened = np.concatenate(([price], close[:-1]))
        reach = np.round(np.abs(rng.normal(0, 8.0, (2, n))), 1)
        volume = np.round(rng.exponential(40.0, n) + 0.001, 3)
        bought = np.round(volume * rng.uniform(0.3, 0.7, n), 3)
        times = round(day.timestamp() * 1e3) + np.arange(n) * MINUTE
        columns = (
            times, opened, np.maximum(opened, close) + reach[0], np.minimum(opened, close) - reach[1], close, volume,
            times + MINUTE - 1, volume * close, rng.integers(1, 900, n), bought, bought * close, np.zeros(n, np.int64),
        )  # fmt: skip
        formats = ("d", ".1f", ".1f", ".1f", ".1f", ".3f", "d", ".5f", "d", ".3f", ".5f", "d")
        line = ",".join(f"{{:{each}}}" for each in formats) + "\n"
        text = HEADER + "".join(line.format(*row) for row in zip(*(c.tolist() for c in columns), strict=True))
        name = f"BTCUSDT-1m-{day:%Y-%m}"
        with zipfile.ZipFile(folder / f"{name}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(f"{name}.csv", text)
        price, day = float(close[-1]), day + timedelta(days=days)
    return sum(DAYS) * 1440


def spent(*given: str) -> float:
    """CPU seconds of a Python process, all of its threads."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    made = subprocess.run([sys.executable, *given], capture_output=True, text=True)
    if made.returncode:
        sys.exit(made.stderr)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def once(folder: Path, number: int) -> dict[str, float]:
    """CPU seconds of a run with and without its report, and what of the latter are imports."""
    config, told = folder / "reversion.yaml", folder / "imports"

    def run(*options: str) -> float:
        code = COUNTING.format(str(told)) + MAIN
        return spent("-c", code, "run", str(config), "--out", str(folder / f"run{number}-{len(options)}"), *options)

    made = {"with report": run(), "without report": run("--no-report")}
    return {**made, "of that imports": float(told.read_text()), "Python alone": spent("-c", "")}


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--runs", type=int, default=5)
    given = asked.parse_args()
    with TemporaryDirectory() as name:
        folder = Path(name)
        bars = klines(folder)
        (folder / "reversion.yaml").write_text(CONFIG.format(folder=folder))
        first, *rounds = [once(folder, number) for number in range(given.runs + 1)]
        trips = json.loads((folder / "run0-0" / "result.json").read_text())["trades"]
    print(f"{bars:,} bars, {trips} round trips; the first run took {first['with report']:.2f} s of CPU")
    least = {what: min(each[what] for each in rounds) for what in first}
    for what, seconds in least.items():
        print(f"{what:18} {seconds:6.2f} s of CPU  {seconds / least['without report']:5.2f} x the run without report")


if __name__ == "__main__":
    main()
