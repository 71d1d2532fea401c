"""A run's YAML file as a checked `RunConfig`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ..core.errors import ConfigError, TapeflowError
from ..core.plugins.code import code_of
from ..core.plugins.registry import (
    FEEDS,
    INDICATORS,
    STRATEGIES,
    begin_run,
    forbidden,
    installed_plugins,
    load_plugins,
    sources_of,
)
from .checks import Checker, block
from .cross_checks import beside_each_other, contradictions
from .data_block import Data, traded_feeds
from .document import Document, parse
from .errors import Complaint, KeyPath, from_validation, shown
from .models import Given, RunConfig
from .named_rank import in_full
from .overrides import override
from .plugin import declared
from .shipped import beside
from .strategies_block import OWN, as_alone, moved, wrong_capital
from .sweep_block import sweep_complaints
from .universe import Universes
from .values import keys

_LARGEST, _MOST_LINES = 1 << 20, 50_000
"""Of a config: far above any real one, far below what takes minutes to read."""


def load_config(path: Path | str, overrides: Sequence[str] = ()) -> RunConfig:
    """Read, override and check a run's YAML.

    Parameters
    ----------
    path : Path
        The file.
    overrides : sequence of str
        ``key=value`` each, as ``--set`` takes them.

    Returns
    -------
    RunConfig
        With every default of every plugin filled in.

    Raises
    ------
    MistakesError
        Everything wrong with it at once, one line each, with file, line and column.
    ConfigError
        If the file cannot be read.
    """
    path = Path(path)
    return checked(
        override(parse(read_text(path), str(path)), overrides), path.parent, name=re.sub(r"[^\w.-]+", "-", path.stem)
    )


def code_named(path: Path | str, overrides: Sequence[str] = ()) -> list[Path]:
    """The Python files that the YAML at ``path`` has loaded, and installed plugins with it; none is run for it.

    Those are its plugins, the modules of its classes, and all that they import of the user's own.

    Parameters
    ----------
    path : Path
        The file.
    overrides : sequence of str
        ``key=value`` each, as ``--set`` takes them.

    Raises
    ------
    ConfigError
        If the file cannot be read.
    """
    path = Path(path)
    raw = override(parse(read_text(path), str(path)), overrides).value
    if not isinstance(raw, dict):
        return []
    plugins = raw.get("plugins")
    specs = [spec for spec in plugins if isinstance(spec, str)] if isinstance(plugins, list) else []
    strategies = [block(raw, "strategy"), *block(raw, "strategies").values()]
    blocks = [*strategies, *block(raw, "indicators").values(), *block(raw, "data").values()]
    kinds = [one.get(key) for one in blocks if isinstance(one, Mapping) for key in ("kind", "feed")]
    specs += [kind for kind in kinds if isinstance(kind, str) and ":" in kind]
    specs += [] if forbidden() else installed_plugins()
    return [*code_of(sources_of(specs, path.parent)).files]


def from_mapping(
    raw: Mapping[str, Any],
    *,
    folder: Path | None = None,
    origin: str = "config",
    overrides: Sequence[str] = (),
    notes: tuple[str, ...] = (),
) -> RunConfig:
    """A config from plain types, as `RunConfig.resolved` gives them.

    Parameters
    ----------
    raw : mapping
        What a YAML would hold.
    folder : Path
        Where relative paths begin; the working folder when left out.
    origin : str
        What errors call it.
    overrides : sequence of str
        ``key=value`` each, as ``--set`` takes them.
    notes : tuple of str
        What a reader of the run should know of how its feeds were chosen, where that is known already.
    """
    document = override(Document(origin, "", dict(raw)), overrides)
    config = checked(document, folder if folder is not None else Path(), name="run")
    config._notes = (*notes, *config.notes)
    return config


def read_text(path: Path) -> str:
    """The text of a YAML file.

    Raises
    ------
    ConfigError
        If there is none, or it is no UTF-8, or no file: one is read more than once.
    """
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            raise ConfigError(
                f"{path}: is a pipe or a device; a config is read more than once, and paths in it begin at its folder: "
                "save it as a .yaml, and name that"
            )
        if path.is_file() and path.stat().st_size > _LARGEST:
            raise ConfigError(f"{path}: is larger than {_LARGEST >> 20} MiB; is it the YAML of a run?")
        text = path.read_text(encoding="utf-8-sig")
        if text.count("\n") > _MOST_LINES:
            raise ConfigError(f"{path}: has more than {_MOST_LINES:,} lines; is it the YAML of a run?")
        return text
    except FileNotFoundError:
        near = beside(path)
        raise ConfigError(f"{path}: no such file{near and f', did you mean {near!r}?'}") from None
    except IsADirectoryError:
        raise ConfigError(f"{path}: is a folder, not a YAML file") from None
    except UnicodeDecodeError as err:
        raise ConfigError(f"{path}: not UTF-8 text at byte {err.start}") from None
    except OSError as err:
        raise ConfigError(f"{path}: {err.strerror}") from None


def checked(document: Document, folder: Path, *, name: str) -> RunConfig:
    """The config in ``document``, or all its mistakes; ``name`` stands where it gives none."""
    if not isinstance(document.value, dict):
        text = f"must be a mapping of keys to values (got {shown(document.value)})"
        raise document.mistakes([Complaint((), text)])
    raw = {k: v for k, v in document.value.items() if not k.startswith("x-") and k != "$schema"}
    raw = {"name": name, **raw}
    if huge := list(_huge(raw, ())):
        raise document.mistakes(huge)
    document = replace(document, value=raw)
    universes = Universes.of(document, folder)
    document, raw = universes.document, universes.document.value
    files, complaints = _load_plugins(raw.get("plugins"), folder)
    complaints += universes.complaints
    if complaints and forbidden():
        raise document.mistakes(complaints)
    complaints += document.complaints
    complaints += dict.fromkeys(_checked(raw, folder))
    complaints += sweep_complaints(raw.get("sweep"))
    try:
        config = RunConfig.model_validate(raw if complaints else with_defaults(raw))
    except ValidationError as err:
        complaints += from_validation(err, RunConfig)
    if complaints:
        raise document.mistakes(complaints)
    if against := list(dict.fromkeys(_against(config))):
        raise document.mistakes(against)
    config._given, config._folder, config._plugin_files = Given(raw), folder, tuple(files)
    config._notes = tuple(universes.notes)
    if misplaced := list(sweep_complaints(config.sweep, config.resolved())):
        raise document.mistakes(misplaced)
    return config


def _huge(value: Any, path: KeyPath) -> Iterator[Complaint]:
    """Whole numbers that no float and no int64 holds, which nothing below is ready for."""
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        yield Complaint(path, f"is too large a number (got {shown(value)})")
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield from _huge(item, (*path, key))


def _entries(raw: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The strategies of a run by name, as far as they are mappings."""
    return {name: entry for name, entry in block(raw, "strategies").items() if isinstance(entry, Mapping)}


def _checked(raw: Mapping[str, Any], folder: Path) -> Iterator[Complaint]:
    """What a `Checker` says of a run, or of that of each of its strategies."""
    entries = _entries(raw)
    if entries and "events" in raw:
        text = "are studied beside one strategy, or none: leave strategies out"
        yield Complaint(("events",), text, on_key=True)
    if entries and "strategy" in raw:
        yield Complaint(("strategy",), "stands beside strategies: give one of the two", on_key=True)
    for name, entry in entries.items():
        yield from moved(Checker(as_alone(raw, name), folder).complaints(), name, entry)
    if not entries:
        yield from Checker(raw, folder).complaints()


def _against(config: RunConfig) -> Iterator[Complaint]:
    """What goes against another part of a run, or of that of each of its strategies."""
    if not config.strategies:
        yield from contradictions(config)
        return
    yield from wrong_capital(config.strategies, config.broker.cash)
    yield from beside_each_other(config)
    for name, part in config.parts.items():
        entry = {key: getattr(config.strategies[name], key) for key in OWN}
        yield from moved(contradictions(part), name, entry)


def with_defaults(raw: Mapping[str, Any]) -> dict[str, Any]:
    """``raw`` with the defaults of every plugin it names spelled out."""
    made = dict(raw)
    for part, fill in (("data", _data_defaults), ("indicators", _indicator_defaults)):
        if blocks := block(raw, part):
            made[part] = {
                name: fill(raw, given) if isinstance(given, Mapping) else given for name, given in blocks.items()
            }
    strategy = block(raw, "strategy") or {"kind": "Rules"}
    own = strategy.get("params", {})
    if isinstance(strategy.get("kind"), str) and isinstance(own, Mapping):
        made["strategy"] = {**strategy, "params": {**declared(STRATEGIES.find(strategy["kind"])), **own}}
        made |= _ranked(raw, own)
    for name, entry in _entries(raw).items():
        kind, own = entry.get("kind", "Rules"), entry.get("params") or {}
        filled = {
            **entry,
            "params": {**declared(STRATEGIES.find(kind)), **own},
            **_ranked({"portfolio": raw.get("portfolio"), **entry}, own),
        }
        made["strategies"] = {**made["strategies"], name: filled}
    return made


def _ranked(given: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    """The portfolio block with the names of the rules beside it spelled out, where its rank reads some."""
    asked = given.get("portfolio")
    rank = asked.get("rank") if isinstance(asked, Mapping) else None
    spelled = in_full(rank, params)
    return {} if spelled == rank else {"portfolio": {**(asked or {}), "rank": spelled}}


def _data_defaults(raw: Mapping[str, Any], given: Mapping[str, Any]) -> Mapping[str, Any]:
    if not isinstance(given.get("feed"), str):
        return given
    cls: Any = FEEDS.find(given["feed"])
    own = declared(cls)
    if "seed" in own and "seed" in raw:
        own["seed"] = raw["seed"]
    if cls.gives == "tape":
        own["bars"] = "1m"
    return {**own, **{k: v for k, v in given.items() if v is not None or k not in keys(Data)}}


def _indicator_defaults(raw: Mapping[str, Any], given: Mapping[str, Any]) -> Mapping[str, Any]:
    if not isinstance(given.get("kind"), str):
        return given
    bars = {name: data.get("bars") for name, data in block(raw, "data").items() if isinstance(data, Mapping)}
    traded = () if raw.get("strategies") else traded_feeds(raw.get("trade"), bars)
    # Of several traded feeds each has an indicator of its own, where no feed is named.
    named = given.get("data") if given.get("data") is not None else traded[0] if len(traded) == 1 else None
    return {**declared(INDICATORS.find(given["kind"])), **given, "data": named}


def _load_plugins(specs: Any, folder: Path) -> tuple[list[Path], list[Complaint]]:
    files: list[Path] = []
    complaints: list[Complaint] = []
    begin_run()
    for i, spec in enumerate(specs if isinstance(specs, list) else ()):
        if not isinstance(spec, str):
            continue
        try:
            files += load_plugins([spec], folder)
        except TapeflowError as err:
            complaints.append(Complaint(("plugins", i), str(err).removeprefix("plugins: ")))
    return files, complaints
