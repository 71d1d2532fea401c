"""Feeds, bars and indicators in a line each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..configs.plugin import declared, snake
from ..core.bars import Bars
from ..core.errors import ParamError
from ..core.params import resolve
from ..core.plugins.registry import INDICATORS
from ..feeds.framework.feed import Feed
from ..feeds.framework.kline_feed import KlineFeed
from ..feeds.load import open_feed

if TYPE_CHECKING:
    import pandas as pd

    from ..auditing.report import Report

Paths = str | Path | Sequence[str | Path]
OF_BARS = ("row_size", "size_edges", "start", "end", "tick", "sequence", "levels_by_size")
"""What a feed is asked when bars are made; everything else is a parameter of its own."""


def bars(paths: Paths, feed: str, bars: str | None = "1m", **options: Any) -> Bars:
    """The bars of some files.

    Parameters
    ----------
    paths : path or sequence of paths
        Files; patterns are expanded. ``()`` for a feed that needs none.
    feed : str
        What wrote them, such as ``BinanceAggTrades``; ``tapeflow list feeds`` names all.
    bars : str or None
        What one bar is, such as ``1m``, ``500t``; None for the klines that files of klines hold.
    **options
        ``row_size``, ``size_edges``, ``start``, ``end`` and ``tick`` as for `Feed.bars`, and the feed's own
        parameters, such as ``market="spot"``.

    Raises
    ------
    TapeflowError
        If there is no such feed, a parameter is wrong or a file cannot be read; of a file that is laid out otherwise
        the feed that reads it is named.

    Examples
    --------
    >>> import tapeflow as tf
    >>> len(tf.bars((), feed="SyntheticTape", bars="1m", days=0.01))
    15
    """
    from ..feeds.sniffing.instead import told_instead

    asked = {name: options.pop(name) for name in OF_BARS if name in options}
    with told_instead(paths):
        return open_feed(feed, paths, **options).bars(bars, **asked)


def compute(bars: Bars, *indicators: Any, **named: Any) -> pd.DataFrame:
    """Indicators over bars; each may read the lines of others by name.

    Parameters
    ----------
    bars : Bars
        What they read.
    *indicators : str or class
        Kinds, each called by its kind in small letters.
    **named : str, class or mapping
        Kinds by a name of your own, with parameters as in YAML: ``vwap={"kind": "VWAP", "anchor": "1d"}``.

    Returns
    -------
    DataFrame
        One column ``name.line`` each, one row a bar, by close time in UTC; NaN in the warm-up.

    Raises
    ------
    TapeflowError
        If there is no such indicator, a parameter is wrong or a column is missing.

    Examples
    --------
    >>> import tapeflow as tf
    >>> made = tf.bars((), feed="SyntheticTape", days=0.01)
    >>> tf.compute(made, "SignedVolume", vwap={"kind": "VWAP", "anchor": "1d"}).columns.tolist()
    ['signed_volume.signed_volume', 'vwap.vwap', 'vwap.std', 'vwap.upper1', 'vwap.lower1']
    """
    import pandas as pd

    from ..indicators.framework.dependencies import all_over

    uses: dict[str, tuple[Any, dict[str, Any]]] = {}
    for name, asked in [*(("", one) for one in indicators), *named.items()]:
        kind, params = _asked(name, asked)
        cls: Any = INDICATORS.find(kind) if isinstance(kind, str) else kind
        called = name or snake(kind if isinstance(kind, str) else cls.__name__)
        if called in uses:
            raise ParamError(f"compute: the name '{called}' is taken; give the second one of its own: other={kind!r}")
        resolve(f"compute: {called}", params, declared(cls), cls.bounds)
        uses[called] = cls, params
    frames = all_over(bars, uses)
    columns = {f"{name}.{line}": frame[line] for name, frame in frames.items() for line in frame.columns}
    return pd.DataFrame(columns)


def _asked(name: str, asked: Any) -> tuple[Any, dict[str, Any]]:
    """The kind of an indicator and its parameters."""
    if isinstance(asked, str | type):
        return asked, {}
    if not isinstance(asked, Mapping) or "kind" not in asked:
        where = f"compute: {name}" if name else "compute"
        raise ParamError(f"{where}: must be a kind, or a mapping as {{'kind': 'VWAP', 'anchor': '1d'}} (got {asked!r})")
    return asked["kind"], {key: value for key, value in asked.items() if key != "kind"}


def audit(paths: Paths, feed: str, **params: Any) -> Report:
    """What is wrong with some files: a grade, findings and counts.

    Parameters
    ----------
    paths, feed, **params
        As for `bars`.

    Raises
    ------
    TapeflowError
        If there is no such feed, its parameters are wrong or no file can be read at all.
    """
    from ..auditing.audit import audit as look
    from ..feeds.sniffing.instead import told_instead

    with told_instead(paths):
        return look(open_feed(feed, paths, **params))


def data(source: Bars | Feed, bars: str | None = None, *, name: str = "", **options: Any) -> Any:
    """A feed of backtrader's over bars, for a Cerebro of your own: ``cerebro.adddata(tf.data(bars))``.

    Parameters
    ----------
    source : Bars or Feed
        Bars, or a feed to make them from.
    bars : str, optional
        What one bar is, where ``source`` is a feed: ``"1m"`` by default, for klines their own.
    name : str
        What backtrader calls it.
    **options
        Parameters of ``backtrader.feed.DataBase``, such as ``timeframe``.

    Returns
    -------
    backtrader.feed.DataBase
        With a line for each column of the bars, price rows for indicators that read them, and all bars loaded at once.

    Raises
    ------
    TapeflowError
        If ``source`` is neither, or its files cannot be read.
    """
    from ..core.lines import bar_data

    reader = source if isinstance(source, Feed) else None
    if reader is not None:
        made = reader.bars(bars or (None if isinstance(source, KlineFeed) else "1m"))
    elif isinstance(source, Bars):
        made = source
        if bars is not None and bars != made.spec:
            raise ParamError(f"data: the bars are of {made.spec or 'no kind'}; {bars} is made from a feed")
    else:
        raise ParamError(
            f"data: must be Bars or a feed, as tf.bars and tf.open_feed give (got {type(source).__name__})"
        )
    fed = bar_data(made, name, **options)
    fed.read_by = reader
    return fed
