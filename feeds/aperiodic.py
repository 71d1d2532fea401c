"""Aperiodic: its flow metrics as bars."""

from __future__ import annotations

from ..core.schema import BAR_COLUMNS
from .framework.table_bars import TableBars
from .table_reader.tables import Column, Table

_SIDES, _SIZES = ("buy", "sell"), ("small", "medium", "large")
FLOW = (
    *(f"taker_{side}_{what}" for what in ("volume", "count") for side in _SIDES),
    "volume_delta",
    "volume_delta_notional",
    "flow_entropy",
    "flow_toxicity_score",
    "taker_buy_sell_ratio",
    "taker_buy_sell_count_ratio",
    "taker_buy_sell_percentage",
    "taker_buy_sell_count_percentage",
    *(f"taker_{side}_{size}_order_{what}" for side in _SIDES for size in _SIZES for what in ("volume", "count")),
    *(f"taker_{side}_{size}_order_percentage" for side in _SIDES for size in _SIZES),
    *(f"taker_{side}_{size}_order_count_percentage" for side in _SIDES for size in _SIZES),
)
"""The 36 fields of the flow page."""


class AperiodicFlow(TableBars):
    """Aperiodic's ``flow`` metrics: parquet files as downloaded, or JSON and CSV with the same columns.

    Volumes, counts and size classes have our canonical names and meanings; ``volume`` is the sum of both sides. The
    other 20 fields come along under their own names as they are: deltas, entropy, toxicity, ratios and shares.

    Parameters
    ----------
    paths : path or sequence of paths
        Monthly and daily files in any order; patterns are expanded.
    label : {"start", "end"}, default="start"
        Whether ``time`` is the start or the end of the interval; Aperiodic's is the start.
    interval : str or None, default=None
        Length of a bar; None takes the most frequent distance between two rows.
    infer_side : {"none", "bulk"}, default="none"
        Of no use here: the sides are known.
    bad_rows : {"error", "quarantine"}, default="error"
        What to do with rows that cannot be read.

    Raises
    ------
    DataError
        For a file that cannot be read, with its row, column and value; for rows off the grid.
    ParamError
        For a parameter out of bounds.

    Notes
    -----
    The metrics hold no prices, so the feed goes beside one that is traded. Size classes are below 100, below 1000 and
    from 1000 dollars of notional on. Infinity, where a side is empty, becomes NaN. The provider's toxicity begins anew
    with every file; its shares of size classes are passed on unchecked, since their published formula divides
    notional by base volume.

    References
    ----------
    Aperiodic, Data API, GET /api/v1/data/flow.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "2024-01.json"
    >>> row = '{"time":"2024-01-01T0%d:00:00","taker_buy_volume":3,"taker_sell_volume":1,"volume_delta":2}'
    >>> _ = file.write_text(f"[{row % 0},{row % 1}]")
    >>> bars = AperiodicFlow(file).bars()
    >>> bars.spec, bars["volume"].tolist(), bars["volume_delta"].tolist()
    ('1h', [4.0, 4.0], [2.0, 2.0])
    """

    extra = tuple(name for name in FLOW if name not in BAR_COLUMNS)
    table = Table(
        (Column("time", "time", ("time", "timestamp")), *(Column(n, "number", (n,), optional=True) for n in FLOW)),
        rows="data",
    )
