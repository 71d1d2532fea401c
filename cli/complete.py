"""What the Tab key offers: configs, kinds, feeds and saved runs, without starting what it takes to run them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path

import click
from click.shell_completion import CompletionItem

_LISTS = ("indicators", "strategies", "feeds", "configs", "talib", "runs")
_PACKAGE = Path(__file__).resolve().parents[1]
Offers = list[CompletionItem]


def lists(ctx: click.Context, param: click.Parameter, incomplete: str) -> Offers:
    """What ``tapeflow list`` takes."""
    return _matching(_LISTS, incomplete)


def configs(ctx: click.Context, param: click.Parameter, incomplete: str) -> Offers:
    """YAML files, folders on the way to them, and the shipped configs."""
    shipped = sorted(path.stem for path in (_PACKAGE / "configs").glob("*.yaml"))
    return [*_matching(shipped, incomplete), *_paths(incomplete, lambda path: path.suffix in (".yaml", ".yml"))]


def checkable(ctx: click.Context, param: click.Parameter, incomplete: str) -> Offers:
    """Configs and indicators."""
    return [*configs(ctx, param, incomplete), *_matching(_names("indicators"), incomplete)]


def kinds(ctx: click.Context, param: click.Parameter, incomplete: str) -> Offers:
    """Every indicator, strategy and feed."""
    return _matching([name for what in ("indicators", "strategies", "feeds") for name in _names(what)], incomplete)


def indicators(ctx: click.Context, param: click.Parameter, incomplete: str) -> Offers:
    """Indicators, also behind ``name=``."""
    before, equals, begun = incomplete.rpartition("=")
    return [CompletionItem(f"{before}{equals}{item.value}") for item in _matching(_names("indicators"), begun)]


def feeds(ctx: click.Context, param: click.Parameter, incomplete: str) -> Offers:
    """Every feed."""
    return _matching(_names("feeds"), incomplete)


def runs(ctx: click.Context, param: click.Parameter, incomplete: str) -> Offers:
    """Folders, and those that hold a run."""
    return _paths(incomplete, lambda path: False)


def _matching(names: Iterable[str], begun: str) -> Offers:
    return [CompletionItem(name) for name in names if name.lower().startswith(begun.lower())]


def _paths(begun: str, wanted: Callable[[Path], bool]) -> Offers:
    """Files that are ``wanted``, and folders on the way; into a folder that is the only choice it looks itself."""
    folder, slash, name = begun.rpartition("/")
    here = Path(folder + slash if slash else ".").expanduser()
    if not here.is_dir():
        return []
    near = [p for p in sorted(here.iterdir()) if p.name.startswith(name) and not (p.name.startswith(".") and not name)]
    chosen = [p for p in near if p.is_dir() or wanted(p)]
    if len(chosen) == 1 and chosen[0].is_dir():
        return _paths(f"{folder}{slash}{chosen[0].name}/", wanted) or [
            CompletionItem(f"{folder}{slash}{chosen[0].name}")
        ]
    return [CompletionItem(f"{folder}{slash}{p.name}{'/' if p.is_dir() else ''}") for p in chosen]


def _names(what: str) -> list[str]:
    """Names of a registry; kept in a file, for to gather them takes seconds, until the package changes."""
    kept, state = _kept(), _state()
    try:
        known = json.loads(kept.read_text(encoding="utf-8"))
        if known["state"] == state:
            return list(known[what])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    from ..core.files.writing import replacing
    from ..core.plugins.registry import REGISTRIES

    made = {kind: list(registry) for kind, registry in REGISTRIES.items()}
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        with replacing(kept) as path:
            path.write_text(json.dumps({**made, "state": state}), encoding="utf-8")
    except OSError:
        pass
    return made[what]


def _kept() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(home).expanduser() / "tapeflow" / "names.json"


def _state() -> list[object]:
    """What changes when a plugin of the package does."""
    folders = [_PACKAGE / name for name in ("indicators", "strategies", "feeds")]
    return [str(_PACKAGE), *(folder.stat().st_mtime_ns for folder in folders)]
