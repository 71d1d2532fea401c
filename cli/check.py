"""``tapeflow check``: the laws for an indicator, the look-ahead attack for a config."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..core.counting import counted
from .complete import checkable
from .indicator_option import IndicatorOption, parse_indicator_option
from .options import Progress, common, note, print_json, print_table
from .root import EXIT_USER

if TYPE_CHECKING:
    from ..checks.findings import Findings, Leak
    from ..checks.start_dependence import Starts


@click.command("check", short_help="Look for look-ahead in a config, or hold an indicator to the laws.")
@click.argument("target", shell_complete=checkable)
@click.option("--instants", type=click.IntRange(1), default=12, show_default=True, help="When the future is attacked.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the instants and the attacks.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Replace one value of the config.")
@click.option("--plugins", multiple=True, metavar="MODULE|PATH", help="Load these too, as `plugins:` of a run does.")
@common(quiet=True)
def command(
    target: str,
    instants: int,
    seed: int,
    settings: tuple[str, ...],
    plugins: tuple[str, ...],
    as_json: bool,
    quiet: bool,
) -> int:
    """Check TARGET, a YAML file, the name of a shipped one, or an indicator.

    An indicator, as in VWAP, "VWAP(anchor=4h)" or my_module:MyIndicator, is held to the laws: bar by bar is whole
    array, no look-ahead, its warm-up, units, sides, refusals, odd markets, documentation.

    A config is run again and again with the future cut off, shuffled or replaced: values, orders and fills up to
    there must keep every bit. It is run twice as it is, and fed bar by bar; its feeds are read again up to an instant,
    and from copies of their files that end early. What it remembers of where the data began is told too.

    Exit code 2 means that a law is broken, that something looks ahead, that two runs of the same differ, or that
    there is no verdict: it takes at least one attack of each kind, and no file that a plugin opens by itself.

    Example: tapeflow check mine.yaml

    Example: tapeflow check LargeShare --plugins indicators
    """
    from ..core.errors import ParamError
    from ..core.plugins.registry import load_plugins

    load_plugins(list(plugins), Path())
    if _is_config(target):
        return _check_config(target, settings, instants, seed, as_json=as_json, quiet=quiet)
    if settings:
        raise ParamError(f"--set: {target} is no config; write its parameters as in 'VWAP(anchor=4h)'")
    return _check_indicator(target, as_json=as_json, quiet=quiet)


def _is_config(target: str) -> bool:
    from ..configs.shipped import shipped

    path = Path(target)
    return target in shipped() or path.suffix in (".yaml", ".yml") or (path.exists() and not path.is_dir())


def _check_indicator(target: str, *, as_json: bool, quiet: bool) -> int:
    from ..checks.indicator_laws import broken, laws
    from ..core.errors import ParamError

    option = _option(target)
    cls = _indicator(option)
    tried = [option.params] if option.params else [{}, *cls.presets]
    try:
        cls.resolve(option.params)
    except ParamError as err:
        raise ParamError(f"{target}: {err}") from None
    found = {}
    with Progress(quiet=quiet) as progress:
        for name, law in laws():
            progress(f"{option.kind}: {name.replace('_', ' ')}")
            found[name] = [wrong for params in tried for wrong in broken(cls, law, params)]
    wrong = [v for violations in found.values() for v in violations]
    if as_json:
        laws_held = {name: not violations for name, violations in found.items()}
        print_json(
            {"indicator": option.kind, "tried": tried, "laws": laws_held, "violations": [asdict(v) for v in wrong]}
        )
    else:
        rows = [[name.replace("_", " "), _verdict(violations)] for name, violations in found.items()]
        print_table(rows, ["law", "verdict"], title=f"{option.kind}: {len(tried)} parametrisations")
        for violation in wrong:
            click.echo(f"{violation}")
    if wrong:
        note(f"tapeflow: {option.kind} breaks {len({v.law for v in wrong})} of {len(found)} laws; first: {wrong[0]}")
    return EXIT_USER if wrong else 0


def _option(target: str) -> IndicatorOption:
    from ..core.errors import ParamError

    try:
        return parse_indicator_option(target)
    except ParamError as err:
        raise ParamError(str(err).replace("--indicator ", "check ", 1)) from None


def _indicator(option: IndicatorOption) -> Any:
    """The class, or an error that says what the name is instead."""
    from ..core.errors import PluginError
    from ..core.plugins.registry import FEEDS, INDICATORS, STRATEGIES

    if option.kind not in INDICATORS:
        if option.kind in STRATEGIES:
            raise PluginError(
                f"{option.kind} is a strategy; check a config that runs it, as in `tapeflow check run.yaml`"
            )
        if option.kind in FEEDS:
            raise PluginError(f"{option.kind} is a feed; `tapeflow audit` looks at its data")
    cls: Any = INDICATORS.find(option.kind)
    if not hasattr(cls, "line_measures"):
        raise PluginError(f"{option.kind} is no indicator of ours: derive it from tapeflow.indicators.base.Indicator")
    return cls


def _verdict(violations: list[Any]) -> str:
    return f"broken, {len(violations)} times" if violations else "holds"


def _check_config(
    target: str, settings: tuple[str, ...], instants: int, seed: int, *, as_json: bool, quiet: bool
) -> int:
    from ..configs.loader import load_config
    from ..configs.shipped import find_config

    config = load_config(find_config(target), settings)
    from ..checks.examination import examine
    from ..checks.findings import LEAK, NOT_DETERMINISTIC, UNKNOWN
    from ..checks.fresh import each
    from ..checks.start_dependence import later_starts

    with Progress(quiet=quiet) as progress:
        made = examine(config, instants=instants, seed=seed, progress=progress)
        found, base = made.found, made.found.base
        progress("starting later")
        tried = [] if base is None or found.unlike else [lambda: later_starts(config, made.sources, base)]
        starts = next(each(tried), None)
    if as_json:
        print_json(_as_dict(config.name, found, starts))
    else:
        _print(config.name, found, starts)
    if found.verdict == LEAK:
        first = found.leaks[0]
        note(f"tapeflow: {config.name} looks ahead: {first}{first.line and f' ({first.line})'}")
    elif found.verdict == NOT_DETERMINISTIC:
        note(f"tapeflow: {config.name}: not deterministic: {found.unlike}")
    elif found.verdict == UNKNOWN:
        note(f"tapeflow: {config.name}: no verdict, {found.why_unknown}")
    return EXIT_USER if found.verdict in (LEAK, NOT_DETERMINISTIC, UNKNOWN) else 0


def _as_dict(name: str, found: Findings, starts: Starts | None) -> dict[str, Any]:
    from ..core.clock import iso

    return {
        "name": name,
        "verdict": found.verdict,
        "looks_ahead": {"leak": True, "unknown": None, "not deterministic": None}.get(found.verdict, False),
        "leaks": [_leak(leak) for leak in found.leaks],
        "others": [_leak(leak) for leak in found.others],
        "not_deterministic": found.unlike or None,
        "not_attackable": found.not_attackable,
        "bar_by_bar": {"bars": found.bar_by_bar, "not_compared": found.unfed or None},
        "instants": [iso(t) for t in found.instants],
        "attacks": dict(found.attacks),
        "runs": found.runs,
        "skipped": found.skipped,
        "skipped_because": list(dict.fromkeys(found.unmade)),
        "compared": {"lines": found.lines, "orders": found.orders, "fills": found.fills},
        "later_starts": None if starts is None else asdict(starts),
    }


def _leak(leak: Leak) -> dict[str, Any]:
    from ..core.clock import iso

    return {
        **asdict(leak.found),
        "time": iso(leak.found.time),
        "kind": leak.kind,
        "attack": leak.attack,
        "instant": iso(leak.instant),
        "attacks": leak.attacks,
        "line_of_code": leak.line or None,
        "text": str(leak),
    }


def _print(name: str, found: Findings, starts: Starts | None) -> None:
    compared = f"{found.lines} lines, {found.orders} orders, {found.fills} fills"
    if found.leaks:
        rows = [[leak.found.what, leak.attacks, str(leak).split(": ", 1)[1]] for leak in found.leaks]
        print_table(rows, ["looks ahead", "attacks", "first sign"], title=f"{name}: {compared}")
        for leak in found.leaks:
            if leak.line:
                click.echo(f"{leak.found.what}: {leak.line}")
    elif found.unlike:
        click.echo(f"{name}: not deterministic. Two runs of the same differ: {found.unlike}")
    elif found.runs == 1:
        click.echo(f"{name}: no verdict. Not one attack could be run.")
    else:
        said = "no verdict" if found.verdict == "unknown" else "no look-ahead found"
        kept = "all but their last digits" if found.others else "every bit"
        click.echo(f"{name}: {said}. {compared} kept {kept} in {found.runs - 1} attacks")
        click.echo(f"at {len(found.instants)} instants on what comes after.")
        if found.bar_by_bar and not found.unfed:
            click.echo(f"Fed bar by bar, with none to come, it does the same on {found.bar_by_bar:,} bars.")
        if not found.orders:
            click.echo("No order was sent: what the strategy decides was not tried.")
    for one in found.others:
        click.echo(f"{one.kind}: {one}")
    for file in found.not_attackable:
        click.echo(f"not attackable: {file}, which a plugin opened by itself")
    if found.unfed and not found.leaks:
        click.echo(found.unfed)
    if count := found.skipped:
        click.echo(f"{counted(count, 'attack')} could not be run; the first: {found.unmade[0]}")
    if starts is not None and starts.starts:
        _print_starts(starts)
    elif starts is not None:
        click.echo("No later start could be run: how long lines remember where the data began is not known.")


def _print_starts(starts: Starts) -> None:
    rows = [[d.line, "the end" if d.bars is None else d.bars, f"{d.apart:.2g}"] for d in starts.lines]
    click.echo("")
    print_table(rows, ["line", "feels a later start until bar", "apart at the last bar"])
    if starts.same_orders == starts.same_orders:
        click.echo(f"{starts.same_orders:.0%} of the orders after a later start are sent in both runs.")
