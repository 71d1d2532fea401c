"""What makes a trial: the data it ran on, and the config with its plugins."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from ...backtest.inputs.read import Source
from ...backtest.results.code_behind import code_behind, package_versions
from ...backtest.results.lock import readers
from ...configs.models import RunConfig
from ...core.files.keeping import file_digest

_LENGTH = 32
"""Hexadecimal digits of a digest that names data or a trial."""
_APART = ("name", "engine", "verify", "sweep", "research", "events", "analyzers", "benchmark", "plugins")
"""Keys that move no order: of those that do, plugins count by their content, not by their place."""


def inputs_of(config: RunConfig, sources: Mapping[str, Source]) -> list[dict[str, Any]]:
    """The data of a run: each file once by its digest, and what made those feeds that read none."""
    made: dict[str, dict[str, Any]] = {}
    for name, feed in readers(sources).items():
        for file in feed.files:
            digest = str(file.sha256)[:_LENGTH]
            made.setdefault(digest, {"data": name, "path": str(file.path).rpartition("/")[2], "digest": digest})
        if not feed.files:
            block = config.data[config.feeds[name]]
            digest = digest_of([block.feed, block.params, block.start, block.end])
            made.setdefault(digest, {"data": name, "path": block.feed, "digest": digest})
    return [*made.values()]


def data_key(inputs: Iterable[Mapping[str, Any]]) -> str:
    """The digest of data: of the content of all files, whatever they are called."""
    return digest_of(sorted(one["digest"] for one in inputs))


def config_key(config: RunConfig) -> str:
    """The digest of all in a config that may move an order; what may not, and where files lie, is left out."""
    raw = config.resolved()
    made = {key: value for key, value in raw.items() if key not in _APART}
    made["data"] = {name: _without(block, "path") for name, block in raw["data"].items()}
    made["fills"] = _without(raw["fills"], "survival")
    return digest_of(made)


def _without(block: Any, key: str) -> Any:
    return {name: value for name, value in block.items() if name != key} if isinstance(block, dict) else block


def events_key(config: RunConfig) -> str:
    """The digest of all that an event may read: data as they are asked for, and indicators."""
    raw = config.resolved()
    data = {name: _without(block, "path") for name, block in raw["data"].items()}
    return digest_of([data, raw.get("indicators", {})])


def code_key(config: RunConfig) -> str:
    """The digest of the plugins behind a config, whatever their files are called; empty without any."""
    code = code_behind(config)
    files = sorted(file_digest(path) for path in code.files)
    versions = package_versions(code.packages)
    return digest_of([files, versions]) if files or versions else ""


def trial_key(config: str, code: str, data: str, reads: Mapping[str, str] | None = None) -> str:
    """The digest of a trial: a config with its plugins, and the files that these read, on data."""
    return digest_of([config, code, data, sorted((reads or {}).values())])


def digest_of(value: Any) -> str:
    """The digest of plain values.

    >>> digest_of({"a": 1, "b": 2}) == digest_of({"b": 2, "a": 1})
    True
    """
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:_LENGTH]
