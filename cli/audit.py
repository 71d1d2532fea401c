"""``tapeflow audit``: what is wrong with files of market data, and a grade for them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .complete import feeds
from .options import Progress, common, note, print_json, print_table
from .source import apart, check_options, feed_params

if TYPE_CHECKING:
    from ..auditing.report import Report
    from ..feeds.framework.feed import Feed
    from ..feeds.framework.kline_feed import KlineFeed

GRADES = ("A", "B", "C", "D", "F")
_SHOWN = 10
_COLUMNS = ("finding", "what", "how many", "share", "where", "example")


@click.command("audit", short_help="Grade market data: holes, duplicates, disorder, units, klines.")
@click.argument("inputs", nargs=-1)
@click.option(
    "--feed", "kind", metavar="KIND", shell_complete=feeds, help="What the files are; see `tapeflow list feeds`."
)
@click.option("--catalog", metavar="DIR", help="Audit a series of a catalog; --param symbol=… says which.")
@click.option("--market", metavar="M", help="The feed's market, as in spot, um or cm.")
@click.option("--contract-size", type=float, metavar="X", help="Quote currency in one contract of market cm.")
@click.option("--param", "extra", multiple=True, metavar="KEY=VALUE", help="Another parameter of the feed.")
@click.option("--klines", multiple=True, metavar="FILE", help="Klines to hold the tape against; may be repeated.")
@click.option("--klines-feed", metavar="KIND", help="What those are.  [default: the klines of the feed's provider]")
@click.option(
    "--bars",
    "spec",
    default="1m",
    show_default=True,
    metavar="SPEC",
    help="Bars to count quality bits of; trading hours in it, as in 1m@1d:XNYS, judge gaps and days.",
)
@click.option(
    "--ids",
    type=click.Choice(["auto", "contiguous", "scattered"]),
    default="auto",
    show_default=True,
    help="Whether ids of one market follow each other, where the feed does not know: holes are looked for if so.",
)
@click.option("--negative-prices", is_flag=True, help="The market may trade at 0 and below, as oil did in 2020.")
@click.option("--require", type=click.Choice(GRADES[:-1]), help="Exit with 2 when the grade is worse.")
@click.option("--out", metavar="FILE", help="All of it as .json, or the findings as .csv or .parquet.")
@common(quiet=True)
def command(
    inputs: tuple[str, ...],
    kind: str | None,
    catalog: str | None,
    market: str | None,
    contract_size: float | None,
    extra: tuple[str, ...],
    klines: tuple[str, ...],
    klines_feed: str | None,
    spec: str,
    ids: str,
    negative_prices: bool,
    require: str | None,
    out: str | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Audit INPUTS, trades or klines: one pass, a line for each finding, a grade from A to F.

    Lines that cannot be read go to a quarantine file beside --out.

    Example: tapeflow audit dumps/*.zip --feed BinanceAggTrades --require B
    """
    from ..auditing.audit import audit
    from ..core.errors import DataError
    from ..core.files.tables import check_format
    from ..core.progress import METER
    from ..feeds.sniffing.instead import told_instead

    if out is not None:
        check_format(out)
    with told_instead(inputs):
        feed = _feed(inputs, kind, catalog, feed_params(market, contract_size, extra))
    feed.negative_prices = negative_prices
    apart(feed.paths, out)
    quarantine = Path(out).with_suffix(".quarantine.csv") if out not in (None, "-") else None
    with told_instead(inputs), Progress(quiet=quiet) as progress:
        progress("auditing")
        METER.expect(feed.paths)
        against = _klines(feed, klines, klines_feed, catalog)
        report = audit(feed, klines=against, spec=spec, quarantine=quarantine, ids=ids)
    if out is not None:
        _write(report, out)
    if as_json:
        print_json(report.json())
    elif out != "-":
        _print(report, quiet=quiet)
    if require is not None and report.grade > require:
        raise DataError(f"{report.source}: has grade {report.grade}, {require} is required")


def _feed(inputs: Sequence[str], kind: str | None, catalog: str | None, params: dict[str, Any]) -> Feed:
    from ..core.errors import ParamError
    from ..core.plugins.registry import FEEDS

    if catalog is not None:
        if inputs or kind not in (None, "Catalog", "CatalogKlines"):
            raise ParamError("--catalog: give either a catalog or INPUTS with --feed")
        shelved: Feed = FEEDS.find(kind or "Catalog")([catalog], **params)
        return shelved
    if kind is None:
        raise ParamError("give --feed, what the files are, or --catalog; `tapeflow list feeds` names the feeds")
    cls: Any = FEEDS.find(kind)
    if cls.needs_path and not inputs:
        raise ParamError(f"{kind} reads files; name at least one")
    check_options(params, cls)
    made: Feed = cls(list(inputs), **params)
    return made


def _klines(feed: Feed, files: Sequence[str], kind: str | None, catalog: str | None) -> KlineFeed | None:
    """The klines to hold the tape against: those named, or in a catalog those of the same symbol."""
    from ..core.errors import ParamError
    from ..core.plugins.registry import FEEDS

    if not files:
        return _shelved(feed) if catalog is not None else None
    cls: Any = FEEDS.find(kind) if kind else _same_provider(feed)
    if cls is None or cls.gives != "bars":
        which = kind or type(feed).__name__
        raise ParamError(f"--klines: {which} has no klines; --klines-feed names a feed that gives bars")
    shared = {k: v for k, v in feed.p.items() if k in cls.params}
    made: KlineFeed = cls(list(files), **shared)
    return made


def _same_provider(feed: Feed) -> Any:
    """The klines that the feed's own module, or that of a base, knows."""
    from ..feeds.framework.kline_feed import KlineFeed

    modules = {cls.__module__ for cls in type(feed).__mro__}
    known = KlineFeed.__subclasses__()
    known += [cls for base in known for cls in base.__subclasses__()]
    return next((cls for cls in known if cls.__module__ in modules and not cls.__dict__.get("abstract")), None)


def _shelved(feed: Feed) -> KlineFeed | None:
    """The finest klines that the catalog has of the series; None when it has none."""
    from ..core.clock import parse_interval
    from ..core.plugins.registry import FEEDS
    from ..feeds.catalog import Catalog

    if not isinstance(feed, Catalog):
        return None
    same = [
        s
        for s in feed.shelf.series()
        if s.interval and (s.venue, s.market, s.symbol) == (feed.series.venue, feed.series.market, feed.series.symbol)
    ]
    if not same:
        return None
    series = min(same, key=lambda s: parse_interval(s.interval or ""))
    keys = {key: getattr(series, key) for key in ("symbol", "kind", "market", "venue")}
    made: KlineFeed = FEEDS["CatalogKlines"](feed.shelf.root, **keys)
    return made


def _write(report: Report, out: str) -> None:
    from ..core.files.json_text import json_text
    from ..core.files.tables import write_table
    from ..core.files.writing import replacing

    if out.lower().endswith(".json"):
        with replacing(out) as made:
            made.write_text(json_text(report.json()) + "\n", encoding="utf-8")
        return
    write_table(_columns(report), out, metadata={"grade": report.grade, "source": report.source})


def _columns(report: Report) -> dict[str, Any]:
    import numpy as np

    from ..auditing.findings import Finding

    names = Finding("void", "", "", 0, 0, 0.0, ()).line()
    lines = [f.line() for f in report.findings]
    return {
        name: np.array([line[name] for line in lines], dtype=None if lines else type(value))
        for name, value in names.items()
    }


def _print(report: Report, *, quiet: bool) -> None:
    """The report for people."""
    from ..core.clock import iso

    span = f" from {iso(report.start)} to {iso(report.end)}" if report.start >= 0 else ""
    click.echo(f"{report.source}: grade {report.grade}, {report.rows:,} rows{span}")
    if report.findings:
        print_table([_row(f.line()) for f in report.findings], _COLUMNS)
    else:
        click.echo("no findings")
    if report.compared:
        fields = f"{len(report.fields)} fields ({', '.join(report.fields)})"
        click.echo(f"klines: {report.compared:,} compared in {fields}, {len(report.differences):,} figures differ")
    for difference in report.differences[:_SHOWN]:
        d = difference.line()
        click.echo(f"  {d['open_time']} {d['field']}: tape {d['tape']:.12g}, kline {d['kline']:.12g}")
    if len(report.differences) > _SHOWN:
        click.echo(f"  … {len(report.differences) - _SHOWN:,} more; --json or --out FILE.json lists all")
    click.echo(_run(report))
    for text in report.unchecked:
        note(f"not checked: {text}", quiet=quiet)
    if report.unread:
        note(f"not read: columns {', '.join(report.unread)}", quiet=quiet)
    note(f"rule: {report.json()['rule']}", quiet=quiet)


def _run(report: Report) -> str:
    if report.refused:
        return f"a run would refuse this: {report.refused}"
    bits = ", ".join(f"{name} {n:,}" for name, n in report.quality.items())
    return f"a run would get {report.bars:,} bars of {report.spec}; {bits or 'none flagged'}"


def _row(line: dict[str, Any]) -> list[str]:
    share = f"{line['share']:.2g} of {line['base']}" if line["share"] == line["share"] else ""
    row = f" row {line['row']}" if line["row"] else ""
    where = f"{Path(line['file']).name}{row} {line['time']}".strip()
    name = line["kind"] if line["weight"] == "damage" else f"{line['kind']} ({line['weight']})"
    return [name, line["what"], f"{line['count']:,}", share, where, line["example"]]
