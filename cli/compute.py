"""``tapeflow compute``: indicators over trades or klines, as a table or as the data providers' APIs answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .complete import indicators as complete_indicators
from .compute_options import COMPLETE, DOCUMENTS, LIKE, TIMES, ComputeOptions
from .indicator_option import IndicatorOption, parse_indicator_options
from .options import Progress, announce_compiling, common, label, note, print_json
from .output import FORMATS, choose_format, emit, emit_json
from .source import InputOptions, is_forming, left_out, source_options

if TYPE_CHECKING:
    from ..core.bars import Bars

Lines = list[tuple[str, dict[str, Any]]]
"""Each indicator's lines under its name."""
SHOWN = 20
"""Rows that a terminal is shown unless --results says otherwise."""


@click.command("compute", short_help="Compute indicators over trades or klines.")
@source_options
@click.option(
    "--indicator",
    "indicators",
    multiple=True,
    metavar='"NAME=KIND(PARAM=VALUE, …)"',
    shell_complete=complete_indicators,
    help='An indicator, as in "vwap=VWAP(anchor=1d)" or VWAP; may be repeated.',
)
@click.option(
    "--results", metavar="N|max", help=f"How many bars, the last ones.  [default: max; {SHOWN} on a terminal]"
)
@click.option(
    "--backtrack",
    type=click.IntRange(0),
    metavar="N",
    help="End at the N-th closed bar from the end; 0 is the bar that is still forming where the data end.  [default: "
    "1; 0 with --like taapi]",
)
@click.option(
    "--chart",
    type=click.Choice(["candles", "heikinashi"]),
    default="candles",
    help="Prices that indicators are shown: the bars' own, or Heikin-Ashi's; volumes are the bars' own.",
)
@click.option(
    "--timestamps",
    type=click.Choice(list(TIMES)),
    help="Add when each bar opens, so written.  [default: none; ms with --like amberdata]",
)
@click.option("--like", type=click.Choice(LIKE), help="Answer in the shape of this provider's API.")
@click.option("--id", "ids", multiple=True, metavar="KEY=VALUE", help="With --like: the market, as in pair=btc_usd.")
@click.option(
    "--size",
    metavar="CLASS",
    help="Which trades count, by notional, as in 1k-10k, 100k+ or p50-p99, also 0-1k|100k+; edges follow from it.",
)
@click.option(
    "--usd",
    metavar="PRICE|FEED:FILE",
    help="What the quote currency is worth in dollars: a number, or klines of it, as in BinanceKlines:USDCUSDT-1m.csv; "
    "for --like amberdata or kiyotaka, and indicators with unit=usd.",
)
@click.option("--fields", metavar="A,B,…", help="With --like aperiodic: which fields.  [default: all 36]")
@click.option(
    "--format", "form", type=click.Choice(FORMATS), help="What is printed.  [default: table, or csv in a pipe]"
)
@click.option(
    "--out",
    metavar="FILE",
    help="Write it, as .parquet, .csv or .json; - is CSV on standard output. With --like aperiodic a folder, as in "
    "flow/, takes a file a month: EXCHANGE/INTERVAL/SYMBOL/YYYY-MM.parquet, by --id.",
)
@click.option("--plugins", multiple=True, metavar="MODULE|PATH", help="Load these too, as `plugins:` of a run does.")
@common(quiet=True)
def command(
    source: InputOptions,
    indicators: tuple[str, ...],
    plugins: tuple[str, ...],
    out: str | None,
    form: str | None,
    as_json: bool,
    quiet: bool,
    **given: Any,
) -> None:
    """Compute indicators over INPUTS, trades or klines, oldest bar first.

    Columns are open_time and close_time, in epoch microseconds UTC, then name.line for every line. Indicators see
    every bar; a first or last one that the data begin or end inside is no row unless --partial asks for it, which
    adds a column partial.

    --like prints what a provider's API answers: taapi a value or lists of values of one indicator; amberdata VWAP and
    TWAP, newest first; kiyotaka volume profiles, or with --id type=TRADE_AGG candles by side; aperiodic its 36 flow
    fields. The last three take no --indicator.

    Example: tapeflow compute dumps/*.zip --feed BinanceAggTrades --bars 5m --indicator "day=VWAP(anchor=1d)"
    """
    from ..core.plugins.registry import load_plugins

    asked = ComputeOptions(**given)
    options = parse_indicator_options(indicators)
    asked.check(len(options), form, out, in_usd=any(one.params.get("unit") == "usd" for one in options))
    options = _of_size(options, asked)
    shape = "parquet"
    if not _of_months(asked, out):
        shape = choose_format("json" if asked.like in DOCUMENTS else form, out, as_json=as_json)
    load_plugins(list(plugins), Path())
    classes = [_class(option, asked.chart) for option in options]
    _check_logs(source, options, classes)
    source = source.with_classes([asked.classes(), *(str(w.params.get("size", "all")) for w in options)])
    if asked.like in COMPLETE:
        announce_compiling(quiet=quiet)
        _answer(source, asked, shape, out, quiet=quiet)
        return
    sequence = _wants_sequence(options, classes)
    with Progress(quiet=quiet) as progress:
        progress("reading")
        _, bars = source.bars(
            out or "-",
            levels=any("levels" in cls.inputs for cls in classes),
            sequence=sequence,
            by_size=_wants_rows(options, classes),
        )
        if asked.usd is not None:
            bars = _priced(asked.usd, bars)
        progress("computing")
        lines = _lines(bars, options, classes, asked.chart)
    every, whole = len(bars), source.whole(bars, forming=asked.forming)
    bars = bars.slice(whole.start, whole.stop)
    lines = [(name, {line: values[whole] for line, values in own.items()}) for name, own in lines]
    if remark := left_out(every - len(bars), bars.spec):
        note(f"note: {remark}", quiet=quiet)
    _tell_of_forming(bars, asked, quiet=quiet)
    if asked.like == "taapi":
        _taapi(bars, lines, asked, many=asked.results is not None or source.start is not None, out=out)
        return
    columns, part = (
        _columns(bars, lines, asked, partial=source.partial or (asked.forming and is_forming(bars))),
        asked.part(len(bars), SHOWN if shape == "table" else None, forming=is_forming(bars)),
    )
    emit({k: v[part] for k, v in columns.items()}, shape, out, {"spec": bars.spec, "source": bars.source})
    shown = len(range(len(bars))[part])
    if as_json and out not in (None, "-"):
        print_json({"out": out, "bars": shown, "spec": bars.spec, "columns": list(columns)})
        return
    note(f"{label(out or '-')}{shown:,} bars of {bars.spec}, {sum(len(m) for _, m in lines)} lines", quiet=quiet)
    hidden = len(bars) - shown if shape == "table" else 0
    for remark in (*_remarks(source, bars, asked, hidden), *_told(bars, options, classes)):
        note(f"note: {remark}", quiet=quiet)
    if asked.chart == "heikinashi" and (same := _blind(bars, options, classes)):
        note(f"note: --chart changes nothing in {', '.join(same)}: no prices are read", quiet=quiet)


def _tell_of_forming(bars: Bars, asked: ComputeOptions, *, quiet: bool) -> None:
    """Say what the bar is that ``--backtrack 0`` asks for."""
    from ..core.clock import iso

    if not asked.forming or not len(bars):
        return
    opens = iso(int(bars["open_time"][-1]))
    if is_forming(bars):
        text = (
            f"the last bar, from {opens}, was still forming where the data end; --backtrack 1 ends at the last closed"
        )
    elif asked.backtrack == 0:
        text = f"no bar is forming where the data end: --backtrack 0 is the closed one from {opens}, as 1 is"
    else:
        return
    note(f"note: {text}", quiet=quiet)


def _of_size(options: list[IndicatorOption], asked: ComputeOptions) -> list[IndicatorOption]:
    """The same, of the size that ``--size`` says where they say none themselves."""
    from ..core.errors import ParamError
    from ..core.plugins.registry import INDICATORS

    if asked.size is None:
        return options
    made = []
    for option in options:
        cls: Any = INDICATORS.find(option.kind)
        if not getattr(cls, "sized", False):
            why = f": {cls.no_size}" if getattr(cls, "no_size", "") else ""
            raise ParamError(
                f"--size: {option.kind} takes no size{why}; write it in those that do, as in VWAP(size=1k-10k)"
            )
        made.append(replace(option, params={"size": asked.classes(), **option.params}))
    return made


def _told(bars: Bars, options: list[IndicatorOption], classes: list[Any]) -> Iterator[str]:
    """What indicators say of their parameters and these bars."""
    for option, cls in zip(options, classes, strict=True):
        yield from (f"{option.name}: {text}" for text in cls.remarks(bars, **option.params))


def _remarks(source: InputOptions, bars: Bars, asked: ComputeOptions, hidden: int) -> Iterator[str]:
    if hidden and asked.results is None:
        yield f"{hidden:,} other bars are not shown; --results max shows all"
    yield from bars.notes
    if bars.levels is not None and source.row_size is None:
        yield f"price rows of {bars.levels.row_size:g}; --row-size sets another height"


def _wants_rows(options: list[IndicatorOption], classes: list[Any]) -> bool:
    """Whether an indicator reads the price rows of a size."""
    from ..core.sizes import parse_size

    sizes = (
        option.params.get("size", "all") for option, cls in zip(options, classes, strict=True) if "levels" in cls.inputs
    )
    return any(map(parse_size, sizes))


def _wants_sequence(options: list[IndicatorOption], classes: list[Any]) -> bool:
    """Whether an indicator reads, by itself or by a parameter, what only the order of the trades tells."""
    from ..core.schema import SEQUENCE_COLUMNS

    told = {str(value) for option in options for value in option.params.values()}
    return not SEQUENCE_COLUMNS.keys().isdisjoint(told.union(*(map(str, cls.inputs) for cls in classes)))


def _class(option: IndicatorOption, chart: str) -> Any:
    """The indicator's class, its parameters checked before anything is read."""
    from ..configs.plugin import declared
    from ..core.errors import ParamError
    from ..core.params import resolve
    from ..core.plugins.registry import INDICATORS

    cls: Any = INDICATORS.find(option.kind)
    full = resolve(f"--indicator {option.name}: {option.kind}", option.params, declared(cls), cls.bounds)
    if chart == "heikinashi" and full.get("chart") == chart:
        raise ParamError(f"--chart: {option.name} turns its prices into Heikin-Ashi itself; leave one of them out")
    return cls


def _lines(bars: Bars, options: list[IndicatorOption], classes: list[Any], chart: str) -> Lines:
    """Every indicator's lines by name."""
    from ..indicators.framework.dependencies import arrays_over

    if chart == "heikinashi":
        bars = heikin_ashi(bars)
    asked = {option.name: (cls, option.params) for option, cls in zip(options, classes, strict=True)}
    return list(arrays_over(bars, asked).items())


def heikin_ashi(bars: Bars) -> Bars:
    """The same bars with Heikin-Ashi's prices; everything else, volumes and notionals too, stays."""
    import numpy as np

    from ..core.plugins.registry import INDICATORS

    cls: Any = INDICATORS.find("HeikinAshi")
    made = {name: values.to_numpy() for name, values in cls.over(bars).items()}
    # A body that is rounding alone has no colour.
    body = np.abs(made["close"] - made["open"]) > 1e-12 * np.abs(made["close"])
    return bars.assign(**{**made, "open": np.where(body, made["open"], made["close"])})


def _blind(bars: Bars, options: list[IndicatorOption], classes: list[Any]) -> list[str]:
    """Those that read no prices."""
    from ..indicators.framework.inputs import columns_of

    made = []
    for option, cls in zip(options, classes, strict=True):
        inputs = cls.input_names(
            **cls.resolved_over(cls.resolve(option.params), bars.carries, bars.columns, bars.source)
        )
        if 0 not in inputs and not {"open", "high", "low", "close"} & set(columns_of(inputs)):
            made.append(option.name)
    return made


def _columns(bars: Bars, lines: Lines, asked: ComputeOptions, *, partial: bool) -> dict[str, Any]:
    """The table, times first."""
    from ..core.schema import Quality

    made: dict[str, Any] = {"open_time": bars["open_time"], "close_time": bars["close_time"]}
    if asked.times:
        made["timestamp"] = _stamps(bars, asked.times)
    if partial:
        made["partial"] = (bars["quality"] & int(Quality.PARTIAL)) != 0
    return made | {f"{name}.{line}": values for name, own in lines for line, values in own.items()}


def _stamps(bars: Bars, form: str) -> Any:
    import numpy as np

    from .provider_formats import stamps

    return np.array(stamps(bars, form))


def _taapi(bars: Bars, lines: Lines, asked: ComputeOptions, *, many: bool, out: str | None) -> None:
    from .provider_formats import stamps, taapi

    part = asked.part(len(bars), None if many else 1, forming=is_forming(bars))
    times = stamps(bars, asked.times)[part] if asked.times else None
    emit_json(taapi({name: values[part] for name, values in lines[0][1].items()}, times, many=many), out)


def _check_logs(source: InputOptions, options: list[IndicatorOption], classes: list[Any]) -> None:
    """Refuse indicators that go by logs of prices which may be 0 and below."""
    from ..core.errors import ParamError

    for option, cls in zip(options, classes, strict=True):
        if source.negative_prices and cls.above_0:
            raise ParamError(
                f"--indicator {option.kind}: goes by logs or shares of prices, which may be below 0 (--negative-prices)"
            )


def _answer(source: InputOptions, asked: ComputeOptions, shape: str, out: str | None, *, quiet: bool) -> None:
    """What the providers answer that have values of their own."""
    from .provider_formats import amberdata, aperiodic, in_dollars

    if asked.like == "amberdata":
        found, minutes = _with_minutes(source, out or "-")
        bars = _whole_bars(source, found, asked, quiet=quiet)
        part = asked.part(len(bars), forming=is_forming(bars))
        kept, size = bars.slice(part.start, part.stop), asked.classes()
        usd = _usd(asked, kept, quiet=quiet)
        told = amberdata(kept, minutes, asked.names(), asked.times or "words", size=size, usd=usd)
        if usd is None and not in_dollars(asked.names()):
            note(
                "totalVolumeUSD is left out: the volume is known to be in USD where --id pair=… ends in _usd, or --usd "
                "says what the quote currency is worth"
            )
        emit_json(told, out)
        return
    if asked.like == "kiyotaka":
        emit_json(_kiyotaka(source, asked, out, quiet=quiet), out)
        return
    _, found = source.bars(out or "-")
    bars = _whole_bars(source, found, asked, quiet=quiet)
    part = asked.part(len(bars), SHOWN if shape == "table" else None, forming=is_forming(bars))
    columns = aperiodic(bars, [name.strip() for name in asked.fields.split(",")] if asked.fields else [])
    if asked.times:
        columns = {"time": _stamps(bars, asked.times), **{k: v for k, v in columns.items() if k != "time"}}
    if _of_months(asked, out):
        _write_months({k: v[part] for k, v in columns.items()}, bars, asked, Path(str(out)), quiet=quiet)
        return
    emit({k: v[part] for k, v in columns.items()}, shape, out, {"spec": bars.spec, "source": bars.source})


def _kiyotaka(source: InputOptions, asked: ComputeOptions, out: str | None, *, quiet: bool) -> dict[str, Any]:
    """Kiyotaka's answer: profiles, or candles of each side, of each exchange."""
    from .exchanges import by_exchange
    from .provider_formats import kiyotaka

    by_side, series = asked.names().get("type") == "TRADE_AGG", []
    if not by_side:
        source = _with_rows(source, quiet=quiet)
    for own, names in by_exchange(source, asked.names()):
        _, found = own.bars(out or "-", levels=not by_side)
        bars = _whole_bars(own, found, asked, quiet=quiet)
        part = asked.part(len(bars), forming=is_forming(bars))
        kept = bars.slice(part.start, part.stop)
        usd = _usd(asked, kept, quiet=quiet)
        told = _by_side(own, kept, names, usd, quiet=quiet) if by_side else kiyotaka(kept, names, usd=usd)
        series += told["series"]
    return {"series": series}


def _by_side(source: InputOptions, bars: Bars, names: dict[str, str], usd: Any, *, quiet: bool) -> dict[str, Any]:
    """Kiyotaka's candles of each side, and a word on trades of neither."""
    from .provider_formats import kiyotaka_id, kiyotaka_interval
    from .side_candles import side_candles

    told = side_candles(bars, source.by_side(), kiyotaka_id(names), kiyotaka_interval(bars.spec), usd=usd)
    known = bars["taker_buy_volume"] + bars["taker_sell_volume"]
    if (left := float((bars["volume"] - known).sum())) > 1e-9 * float(bars["volume"].sum()):
        note(f"note: {left:g} of the volume has no side and is in neither series", quiet=quiet)
    return told


def _usd(asked: ComputeOptions, bars: Bars, *, quiet: bool) -> Any:
    """Dollars in one unit of the quote currency for each bar, where asked for; a word on what was taken."""
    from ..core.schema import USD_RATE

    if asked.usd is None:
        return None
    priced = _priced(asked.usd, bars)
    how = f"1 unit of the quote currency is {asked.usd} USD" if ":" not in asked.usd else f"priced by {asked.usd}"
    note(f"note: volumes are US dollars: {how}", quiet=quiet)
    for remark in priced.notes[len(bars.notes) :]:
        note(f"note: {remark}", quiet=quiet)
    return priced[USD_RATE]


def _priced(usd: str, bars: Bars) -> Bars:
    from .dollars import priced

    return priced(usd, bars)


def _with_rows(source: InputOptions, *, quiet: bool) -> InputOptions:
    """``source`` with price rows as high as Kiyotaka's, unless their height is said."""
    from ..core.plugins.registry import FEEDS
    from .provider_formats import kiyotaka_row

    cls: Any = FEEDS.find(source.feed)
    if source.row_size is not None or cls.gives != "tape":
        return source
    tape = next(iter(source.open(cls).tapes()), None)
    if tape is None or not len(tape):
        return source
    row = kiyotaka_row(float(tape.price[0]), float(source.tick) if source.tick else None)
    note(f"note: price rows of {row:g}, a basis point down to one digit; --row-size sets another height", quiet=quiet)
    return replace(source, row_size=repr(row))


def _of_months(asked: ComputeOptions, out: str | None) -> bool:
    """Whether the answer goes into a folder, a file a month as Aperiodic has them."""
    return asked.like == "aperiodic" and out not in (None, "-") and (str(out).endswith("/") or Path(str(out)).is_dir())


def _write_months(columns: dict[str, Any], bars: Bars, asked: ComputeOptions, folder: Path, *, quiet: bool) -> None:
    from ..core.errors import ParamError
    from ..core.files.tables import write_table
    from .provider_formats import monthly

    if asked.timestamps:
        raise ParamError(f"--timestamps {asked.timestamps}: the files of --like aperiodic have their own time")
    for name, part in monthly(columns, asked.names(), bars.spec):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_table(part, path, metadata={"spec": bars.spec, "source": bars.source})
        note(f"{path}: {len(part['time']):,} rows", quiet=quiet)


def _whole_bars(source: InputOptions, bars: Bars, asked: ComputeOptions, *, quiet: bool) -> Bars:
    """Those that are asked for; a word on standard error about the others."""
    whole = source.whole(bars, forming=asked.forming)
    kept = bars.slice(whole.start, whole.stop)
    if remark := left_out(len(bars) - len(kept), bars.spec):
        note(f"note: {remark}", quiet=quiet)
    _tell_of_forming(kept, asked, quiet=quiet)
    return kept


def _with_minutes(source: InputOptions, out: str) -> tuple[Bars, Bars]:
    """The bars asked for and those of a minute, from one reading."""
    if not source.specs or source.specs == ("1m",):
        _, bars = source.bars(out)
        return bars, bars if bars.spec == "1m" else replace(source, specs=("1m",)).bars(out)[1]
    if len(source.specs) > 1:
        return source.bars(out)  # which refuses several kinds by name
    _, (bars, minutes) = replace(source, specs=(*source.specs, "1m")).all_bars(out)
    return bars, minutes
