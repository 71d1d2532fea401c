"""Trades to one-minute bars: tapeflow beside pandas, polars and duckdb, each run in a process of its own."""

from __future__ import annotations

import argparse
import json
import os
import resource
import struct
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np
import peers

if TYPE_CHECKING:
    import pyarrow as pa


def pieces(rows: int) -> Iterator[pa.Table]:
    """A made-up tape in the shape of aggregated trades, some hundred thousand rows at a time."""
    import pyarrow as pa

    from tapeflow.feeds.synthetic import SyntheticTape

    first = 2_500_000_000
    for tape in SyntheticTape(seed=42, days=3660, rows=rows, rate=14.5, batch=1 << 18).tapes():
        yield pa.table(
            {
                "agg_trade_id": np.arange(first, first + len(tape)),
                "price": tape.price,
                "quantity": tape.quantity,
                "first_trade_id": tape.trade_id,
                "last_trade_id": tape.trade_id + tape.trades - 1,
                "transact_time": tape.time // 1000,
                "is_buyer_maker": tape.side < 0,
            }
        )
        first += len(tape)


def write_csv(tables: Iterable[pa.Table], file: IO[bytes]) -> Iterator[pa.Table]:
    """The same tables, each written to ``file`` under one header."""
    import pyarrow.csv as pacsv

    options = pacsv.WriteOptions(include_header=False, quoting_style="none")
    file.write(",".join(peers.NAMES).encode() + b"\n")
    for table in tables:
        pacsv.write_csv(table, file, options)
        yield table


def make(folder: Path, rows: int) -> None:
    """Write the same tape as CSV, zip and Parquet, and add it to a catalog."""
    import pyarrow.parquet as pq

    from tapeflow.feeds.filing.add import add

    parquet = None
    with (folder / "tape.csv").open("wb") as csv:
        for table in write_csv(pieces(rows), csv):
            parquet = parquet or pq.ParquetWriter(folder / "tape.parquet", table.schema, compression="zstd")
            parquet.write_table(table, row_group_size=1 << 18)
    if parquet:
        parquet.close()
    with zipfile.ZipFile(folder / "tape.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=6) as packed:
        packed.write(folder / "tape.csv", "tape.csv")
    add(folder / "catalog", [folder / "tape.csv"], "BinanceAggTrades", {}, symbol="MADE")


def make_zip(folder: Path, rows: int) -> None:
    """Write the zip alone, without a CSV on disk."""
    with (
        zipfile.ZipFile(folder / "tape.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed,
        packed.open("tape.csv", "w", force_zip64=True) as csv,
    ):
        for _ in write_csv(pieces(rows), csv):
            pass


def inflate(path: Path) -> dict[str, np.ndarray]:
    """Nothing but the inflating of a zip: no reader of it can be faster."""
    from isal import isal_zlib

    with zipfile.ZipFile(path) as packed:
        member = packed.infolist()[0]
    with path.open("rb") as file:
        file.seek(member.header_offset + 26)
        file.seek(sum(struct.unpack("<HH", file.read(4))), 1)
        stream, left = isal_zlib.decompressobj(-15), member.compress_size
        while left > 0:
            data = file.read(min(left, 1 << 17))
            left -= len(data)
            stream.decompress(data)
    return {"open": np.empty(0)}


def tapeflow_bars(path: Path) -> dict[str, np.ndarray]:
    """Every canonical column, from a file."""
    from tapeflow.feeds.load import open_feed

    bars = open_feed("Catalog" if path.is_dir() else "BinanceAggTrades", [path]).bars("1m")
    return {name: bars[name] for name in (*peers.COLUMNS, "open_time")}


def tapeflow_arrays(folder: Path) -> float:
    """CPU seconds from columns in memory to bars."""
    import pyarrow.parquet as pq

    from tapeflow.aggregation.bars import aggregate
    from tapeflow.core.tape import Tape

    table = pq.read_table(folder / "tape.parquet", columns=["price", "quantity", "transact_time", "is_buyer_maker"])
    price, quantity, stamp, maker = (c.to_numpy() for c in table.columns)
    tape = Tape.of(time=stamp * 1000, price=price, quantity=quantity, side=np.where(maker, -1, 1))
    batches = [tape[i : i + 65_536] for i in range(0, len(tape), 65_536)]
    aggregate(batches[:2], ["1m"])
    before = cpu()
    aggregate(batches, ["1m"])
    return cpu() - before


EDGES = ("1k", "10k", "100k")
"""Four classes of size."""


def sizes(folder: Path, repeat: int) -> None:
    """Print what four classes of size cost, by turns with and without them in this process."""
    from tapeflow.feeds.load import open_feed

    print(f"{'path':<10}{'without':>10}{'with':>10}{'more':>8}   CPU ms, the fastest of {repeat}; {', '.join(EDGES)}")
    for name, feed in (("catalog", "Catalog"), ("tape.csv", "BinanceAggTrades"), ("tape.zip", "BinanceAggTrades")):
        spent: dict[bool, list[float]] = {False: [], True: []}
        for turn in range(repeat + 1):
            for classes, runs in spent.items():
                before = cpu()
                open_feed(feed, [folder / name]).bars("1m", **({"size_edges": EDGES} if classes else {}))
                if turn:  # the first one loads kernels
                    runs.append(cpu() - before)
        plain, sized = (min(runs) for runs in spent.values())
        print(f"{name:<10}{plain * 1e3:>10.0f}{sized * 1e3:>10.0f}{sized / plain - 1:>8.1%}")


def cold(folder: Path) -> float:
    """Seconds on the clock until the first bars are there, when no kernel is on disk yet."""
    with tempfile.TemporaryDirectory() as cache:
        before = time.perf_counter()
        spawn("--folder", str(folder), "--case", "cold", TAPEFLOW_KERNELS=cache)
        return time.perf_counter() - before


def cpu() -> float:
    """CPU seconds of this process and its children so far."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


CASES: dict[str, tuple[str, Callable[[Path], dict[str, np.ndarray]]]] = {
    "zip inflate only": ("tape.zip", inflate),
    "zip tapeflow": ("tape.zip", tapeflow_bars),
    "zip pandas": ("tape.zip", peers.pandas_bars),
    "zip polars": ("tape.zip", peers.polars_bars),
    "csv tapeflow": ("tape.csv", tapeflow_bars),
    "csv pandas": ("tape.csv", peers.pandas_bars),
    "csv polars": ("tape.csv", peers.polars_bars),
    "csv duckdb": ("tape.csv", peers.duckdb_bars),
    "parquet tapeflow": ("catalog", tapeflow_bars),
    "parquet pandas": ("tape.parquet", peers.pandas_bars),
    "parquet polars": ("tape.parquet", peers.polars_bars),
    "parquet duckdb": ("tape.parquet", peers.duckdb_bars),
}


def one(folder: Path, case: str) -> None:
    """Run one case in this process, warm, and print its CPU seconds and peak memory."""
    name, run = CASES[case]
    run(folder / "warm" / name)
    before = cpu()
    made = run(folder / name)
    spent = cpu() - before
    print(json.dumps({"cpu": spent, "peak": peak_memory(), "bars": len(made["open"])}))


def peak_memory() -> float:
    """Peak resident MiB of this program; getrusage would count the parent it was forked from."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM")) / 1024


def spawn(*args: str, **environment: str) -> dict[str, float]:
    """Run this script again and give what it printed."""
    command, environment = [sys.executable, __file__, *args], {**os.environ, **environment}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    made: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return made


def compare(folder: Path) -> None:
    """Every peer must give the bars that tapeflow gives."""
    ours = tapeflow_bars(folder / "tape.csv")
    traded = ours["trades"] > 0
    for name, run in (("pandas", peers.pandas_bars), ("polars", peers.polars_bars), ("duckdb", peers.duckdb_bars)):
        theirs = run(folder / "tape.csv")
        for column in peers.COLUMNS:
            np.testing.assert_allclose(theirs[column], ours[column][traded], rtol=1e-9, err_msg=f"{name} {column}")


def table(folder: Path, rows: int, repeat: int) -> None:
    """Run every case in turn and print the fastest of each, which is disturbed least by what else the machine does."""
    spent: dict[str, list[dict[str, float]]] = {case: [] for case in CASES}
    arrays: list[float] = []
    for _ in range(repeat):
        for case, runs in spent.items():
            runs.append(spawn("--folder", str(folder), "--case", case))
        arrays.append(spawn("--folder", str(folder), "--case", "arrays")["cpu"])
    print(f"{rows:,} trades, the fastest of {repeat}; CPU of all threads, kernels warm\n")
    print(f"{'path':<18}{'M trades/CPU s':>16}{'tapeflow is':>14}{'peak MiB':>10}")
    best = {case: min(r["cpu"] for r in runs) for case, runs in spent.items()}
    for case, runs in spent.items():
        ours = best.get(f"{case.split()[0]} tapeflow")
        ratio = f"{best[case] / ours:.2f} x" if ours and "tapeflow" not in case else ""
        print(f"{case:<18}{rows / best[case] / 1e6:>16.2f}{ratio:>14}{max(r['peak'] for r in runs):>10.0f}")
    print(f"{'arrays tapeflow':<18}{rows / min(arrays) / 1e6:>16.2f}")
    print(f"\nfirst run ever, kernels compiled: {cold(folder):.1f} s on the clock")


def main() -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--memory", action="store_true", help="tapeflow's peak memory only")
    parser.add_argument("--sizes", action="store_true", help="what four classes of trade size cost only")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--case", choices=[*CASES, "arrays", "cold"])
    given = parser.parse_args()
    if given.case == "cold":
        print(json.dumps({"bars": len(tapeflow_bars(given.folder / "warm" / "tape.zip")["open"])}))
        return
    if given.case == "arrays":
        print(json.dumps({"cpu": tapeflow_arrays(given.folder)}))
        return
    if given.case:
        one(given.folder, given.case)
        return
    with tempfile.TemporaryDirectory(prefix="tapeflow-bench-") as made:
        folder = given.folder or Path(made)
        (folder / "warm").mkdir(parents=True, exist_ok=True)
        make(folder / "warm", 50_000)
        if given.memory:
            make_zip(folder, given.rows)
            done = spawn("--folder", str(folder), "--case", "zip tapeflow")
            print(f"{given.rows:,} trades: {done['peak']:.0f} MiB, {given.rows / done['cpu'] / 1e6:.2f} M trades/CPU s")
            return
        make(folder, given.rows)
        if given.sizes:
            sizes(folder, given.repeat)
            return
        compare(folder / "warm")
        table(folder, given.rows, given.repeat)


if __name__ == "__main__":
    main()
