"""The same bars as peers make them, each the fastest way its documentation shows."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

NAMES = ["agg_trade_id", "price", "quantity", "first_trade_id", "last_trade_id", "transact_time", "is_buyer_maker"]
CLASSES = [
    f"taker_{side}_{size}_order_{what}"
    for what in ("volume", "count")
    for side in ("sell", "buy")
    for size in ("small", "medium", "large")
]
COLUMNS = [
    "open",
    "high",
    "low",
    "close",
    "volume",
    "quote_volume",
    "trades",
    "taker_buy_volume",
    "taker_sell_volume",
    "taker_buy_count",
    "taker_sell_count",
    *CLASSES,
]
MINUTE = 60_000


def pandas_bars(path: Path) -> dict[str, np.ndarray]:
    """read_csv or read_parquet, then two group-bys."""
    import pandas as pd

    frame = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
    sell, notional = frame["is_buyer_maker"], frame["price"] * frame["quantity"]
    key = frame["transact_time"] // MINUTE
    size = (notional >= 100).astype("int8") + (notional >= 1000).astype("int8")
    frame = frame.assign(key=key, notional=notional, bucket=(~sell).astype("int8") * 3 + size)
    frame["raw"] = frame["last_trade_id"] - frame["first_trade_id"] + 1
    bars = frame.groupby("key", sort=False).agg(
        open=("price", "first"),
        high=("price", "max"),
        low=("price", "min"),
        close=("price", "last"),
        volume=("quantity", "sum"),
        quote_volume=("notional", "sum"),
        trades=("raw", "sum"),
    )
    parts = frame.groupby(["key", "bucket"]).agg(q=("quantity", "sum"), n=("notional", "sum"), c=("notional", "size"))
    wide = parts.unstack(fill_value=0).reindex(columns=[(k, b) for k in "qnc" for b in range(6)], fill_value=0)
    return _with_classes({c: bars[c].to_numpy() for c in bars}, wide.to_numpy().T)


def _with_classes(made: dict[str, np.ndarray], wide: np.ndarray) -> dict[str, np.ndarray]:
    quantity, notional, count = wide[:6], wide[6:12], wide[12:]
    made["taker_sell_volume"], made["taker_buy_volume"] = quantity[:3].sum(0), quantity[3:].sum(0)
    made["taker_sell_count"], made["taker_buy_count"] = count[:3].sum(0), count[3:].sum(0)
    return made | dict(zip(CLASSES, [*notional, *count], strict=True))


def polars_bars(path: Path) -> dict[str, np.ndarray]:
    """A lazy scan with one group-by; a zip is inflated in memory first, as polars reads none."""
    import polars as pl

    if path.suffix == ".parquet":
        frame = pl.scan_parquet(path)
    elif path.suffix == ".zip":
        with zipfile.ZipFile(path) as packed:
            frame = pl.read_csv(packed.read(packed.namelist()[0])).lazy()
    else:
        frame = pl.scan_csv(path)
    c = pl.col
    frame = frame.with_columns(
        n=c("price") * c("quantity"),
        key=c("transact_time") // MINUTE,
        raw=c("last_trade_id") - c("first_trade_id") + 1,
    ).with_columns(
        bucket=(~c("is_buyer_maker")).cast(pl.Int8) * 3 + (c("n") >= 100).cast(pl.Int8) + (c("n") >= 1000).cast(pl.Int8)
    )
    masks = [c("bucket") == k for k in range(6)]
    frame = frame.with_columns(
        **{f"q{k}": pl.when(m).then(c("quantity")).otherwise(0.0) for k, m in enumerate(masks)},
        **{f"n{k}": pl.when(m).then(c("n")).otherwise(0.0) for k, m in enumerate(masks)},
        **{f"c{k}": m for k, m in enumerate(masks)},
    )
    bars = (
        frame.group_by("key")
        .agg(
            open=c("price").first(),
            high=c("price").max(),
            low=c("price").min(),
            close=c("price").last(),
            volume=c("quantity").sum(),
            quote_volume=c("n").sum(),
            trades=c("raw").sum(),
            **{f"{x}{k}": c(f"{x}{k}").sum() for x in "qnc" for k in range(6)},
        )
        .sort("key")
        .collect(engine="streaming")
    )
    wide = np.array([bars[f"{x}{k}"].to_numpy() for x in "qnc" for k in range(6)], dtype=np.float64)
    return _with_classes({name: bars[name].to_numpy() for name in COLUMNS[:7]}, wide)


def duckdb_bars(path: Path) -> dict[str, np.ndarray]:
    """One SQL statement over the file."""
    import duckdb

    source = f"read_parquet('{path}')" if path.suffix == ".parquet" else f"read_csv('{path}', header=true)"
    parts = [
        f"coalesce({what} FILTER (bucket = {k}), 0) AS {x}{k}"
        for x, what in (("q", "sum(quantity)"), ("n", "sum(n)"), ("c", "count(*)"))
        for k in range(6)
    ]
    # every interpolated part above is this file's own text
    sql = f"""
        SELECT key, arg_min(price, agg_trade_id) AS open, max(price) AS high, min(price) AS low,
               arg_max(price, agg_trade_id) AS close, sum(quantity) AS volume, sum(n) AS quote_volume,
               sum(last_trade_id - first_trade_id + 1) AS trades, {", ".join(parts)}
        FROM (SELECT *, transact_time // {MINUTE} AS key,
                     (NOT is_buyer_maker)::INT * 3 + (n >= 100)::INT + (n >= 1000)::INT AS bucket
              FROM (SELECT *, price * quantity AS n FROM {source}))
        GROUP BY key ORDER BY key"""  # noqa: S608
    bars = duckdb.connect().sql(sql).fetchnumpy()
    wide = np.array([np.asarray(bars[f"{x}{k}"]) for x in "qnc" for k in range(6)], dtype=np.float64)
    return _with_classes({name: np.asarray(bars[name]) for name in COLUMNS[:7]}, wide)
