"""``tapeflow data download``: public market data, fetched and verified."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .options import common, note, print_json, print_table

if TYPE_CHECKING:
    from ..fetching.transfer import Fetched

SITE_VARIABLES = {False: "TAPEFLOW_BINANCE_URL", True: "TAPEFLOW_BINANCE_REST_URL"}
_EXIT_FAILED = 1
_NAMED = 10


@click.command("download", short_help="Fetch public market data, verified and resumable.")
@click.argument("provider", type=click.Choice(["binance"]))
@click.option("--market", required=True, metavar="M", help="spot, um (USD-margined) or cm (coin-margined).")
@click.option(
    "--symbol",
    "symbols",
    required=True,
    multiple=True,
    metavar="S",
    help="As BTCUSDT, or in Atlas' notation; may be repeated.",
)
@click.option("--type", "kind", default="aggTrades", show_default=True, metavar="T", help="As klines or trades.")
@click.option("--interval", metavar="I", help="Of klines, as in 1m; the month is 1mo.")
@click.option("--from", "start", required=True, metavar="DAY", help="First day in UTC, as 2024-01-31, or 2024-01.")
@click.option(
    "--to", "end", required=True, metavar="DAY", help="Last day, included. With --rest also a time, excluded."
)
@click.option("--auto", "grain", flag_value="auto", help="Files of whole months where it can be, else days (default).")
@click.option("--daily", "grain", flag_value="daily", help="Files of days.")
@click.option("--monthly", "grain", flag_value="monthly", help="Files of months, whole ones.")
@click.option("--rest", is_flag=True, help="Ask the REST API for aggTrades instead: what the archive has not yet.")
@click.option("--dir", "folder", default="dumps", show_default=True, metavar="DIR", help="Where the files go.")
@click.option(
    "--base-url", metavar="URL", help="Another site; or set TAPEFLOW_BINANCE_URL or TAPEFLOW_BINANCE_REST_URL."
)
@click.option("--jobs", type=click.IntRange(1, 32), default=4, show_default=True, help="Files at a time.")
@click.option(
    "--retries", type=click.IntRange(0, 100), default=6, show_default=True, help="Failures in a row forgiven."
)
@click.option("--refresh", is_flag=True, help="Compare what is there with the archive's checksums again.")
@common(quiet=True)
def command(folder: str, as_json: bool, quiet: bool, **given: Any) -> int:
    """Fetch public market data of PROVIDER below DIR, as MARKET/TYPE/SYMBOL/FILE.

    Every file is compared with its published sha256 and gets its name only when it is right. What is
    there already is not fetched again, and what was interrupted goes on where it stopped. Days that the
    archive does not have are told at the end.

    Exit codes: 0 done, 1 something could not be fetched, 2 a mistake in what was asked.

    Example: tapeflow data download binance --market spot --symbol BTCUSDT --from 2024-01-01 --to 2024-01-31
    """
    from .data_progress import Display

    with Display(quiet=quiet, unit="trades" if given["rest"] else "B") as display:
        made = (_rest if given["rest"] else _archive)(Path(folder), display, **given)
    _tell(made, folder, given, as_json=as_json, quiet=quiet)
    if all(result.state == "missing" for result in made):
        _none(made)
    return _EXIT_FAILED if any(result.state == "failed" for result in made) else 0


def _archive(folder: Path, display: Any, **given: Any) -> list[Fetched]:
    from ..fetching.archive import SITE, ArchiveRequest, parse_day
    from ..fetching.download import download
    from ..fetching.http import Http

    start, end = _read("--from", given["start"], parse_day), _read("--to", given["end"], _last_day)
    wish = ArchiveRequest(
        given["market"], given["kind"], _symbols(given), start, end, given["interval"], given["grain"] or "auto"
    )
    http = Http(_site(given, SITE), jobs=given["jobs"], retries=given["retries"], tell=display.note)
    return download(wish, folder, http, jobs=given["jobs"], refresh=given["refresh"], watch=display)


def _rest(folder: Path, display: Any, **given: Any) -> list[Fetched]:
    from ..core.errors import ParamError
    from ..fetching.http import Http
    from ..fetching.rest import SITES, paginate, spans

    if given["kind"] != "aggTrades":
        raise ParamError(f"--rest gives aggTrades only; leave it away for {given['kind']}")
    for option in ("interval", "grain", "refresh"):
        if given[option]:
            shown = given[option] if option == "grain" else option
            raise ParamError(f"--{shown}: has no meaning with --rest")
    start, end = _read("--from", given["start"], _first_ms), _read("--to", given["end"], _last_ms)
    wanted = spans(given["market"], _symbols(given), start, end)
    http = Http(_site(given, SITES[given["market"]]), jobs=given["jobs"], retries=given["retries"], tell=display.note)
    return paginate(wanted, folder, http, jobs=given["jobs"], watch=display)


def _symbols(given: dict[str, Any]) -> tuple[str, ...]:
    """The symbols as Binance writes them."""
    from ..store.atlas import as_venue

    pair = given["kind"] == "indexPriceKlines"
    return tuple(as_venue(s, "binance", given["market"], pair=pair) for s in given["symbols"])


def _site(given: dict[str, Any], usual: str) -> str:
    return given["base_url"] or os.environ.get(SITE_VARIABLES[given["rest"]]) or usual


def _read(option: str, text: str, parse: Callable[[str], Any]) -> Any:
    from ..core.errors import ParamError

    try:
        return parse(text)
    except ValueError as err:
        raise ParamError(f"{option}: {err}") from None


def _last_day(text: str) -> date:
    from ..fetching.archive import parse_day

    return parse_day(text, last=True)


def _first_ms(text: str) -> int:
    return _ms(text, last=False)


def _last_ms(text: str) -> int:
    """Where it ends: behind the day when ``text`` is one."""
    return _ms(text, last=True)


def _ms(text: str, *, last: bool) -> int:
    from ..core.clock import DAY, parse_time
    from ..fetching.archive import parse_day

    if ":" not in text and "T" not in text and "-" in text:
        return (parse_time(parse_day(text, last=last)) + (DAY if last else 0)) // 1000
    return -(-parse_time(text) // 1000)


def _tell(made: list[Fetched], folder: str, given: dict[str, Any], *, as_json: bool, quiet: bool) -> None:
    from ..fetching.transfer import STATES

    files = {state: [result for result in made if result.state == state] for state in STATES}
    for result in files["failed"]:
        note(f"failed: {result.why}")
    if names := [result.path.name for result in files["missing"]]:
        shown = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
        note(f"missing: {len(names)} not at the source: {shown}", quiet=quiet)
    if as_json:
        _json(made, folder, given, {state: len(results) for state, results in files.items()})
        return
    if not quiet:
        from .data_progress import size

        rows = [[state, len(found), size(sum(r.bytes for r in found))] for state, found in files.items() if found]
        print_table(rows, ["state", "files", "size"])
    for pattern in sorted({str(r.path.parent / f"*{r.path.suffix}") for r in files["fetched"] + files["present"]}):
        click.echo(pattern)


def _json(made: list[Fetched], folder: str, given: dict[str, Any], counts: dict[str, int]) -> None:
    files = [
        {"path": str(r.path), "url": r.url, "state": r.state, "bytes": r.bytes, "sha256": r.sha256, "why": r.why}
        for r in made
    ]
    what = {"folder": folder, "market": given["market"], "type": given["kind"], "symbols": list(_symbols(given))}
    print_json({**what, "counts": counts, "bytes": sum(r.bytes for r in made), "files": files})


def _none(made: list[Fetched]) -> None:
    from ..core.errors import DataError

    raise DataError(f"nothing was found, not even {made[0].url}; check market, symbol, type and days")
