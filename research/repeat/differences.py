"""What two locks differ in, by cause, the likeliest first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ...backtest.results.lock import machine, versions
from .locked_run import PARTS

ABSENT = "none"
CAUSES = ("input", "plugin", "file that a plugin read", "version", "platform", "processor feature", "engine")
"""Kinds of difference, in the order in which they are named."""


class Difference(NamedTuple):
    """One thing that is not the same.

    Parameters
    ----------
    cause : str
        One of `CAUSES`, or a block of the config.
    name : str
        Which one: a path, a package, a feature, a key.
    first, second : str
        What it is in either.
    """

    cause: str
    name: str
    first: Any
    second: Any

    def __str__(self) -> str:
        return f"{self.cause} {self.name}: {short(self.first)} there, {short(self.second)} here"


def surroundings(first: Mapping[str, Any], second: Mapping[str, Any], *, places: bool = True) -> list[Difference]:
    """Files, versions and machine in which two locks differ.

    Parameters
    ----------
    first, second : mapping
        Contents of two locks.
    places : bool
        Whether a file is known by its place; by its digest alone otherwise.
    """
    files, versions_of = _files(first, second, places=places), _versions(first, second)
    return [*files, *versions_of, *_machine(first, second), *_engine(first, second)]


def from_here(lock: Mapping[str, Any]) -> list[Difference]:
    """Versions and machine in which a lock differs from what runs now."""
    own = {name: made for name, made in versions().items() if name in lock["versions"]}
    kept = {name: made for name, made in lock["versions"].items() if name in own}
    now = {"versions": own, "platform": machine()}
    return [*_versions({"versions": kept}, now), *_machine(lock, now)]


def _files(first: Mapping[str, Any], second: Mapping[str, Any], *, places: bool) -> Iterator[Difference]:
    for part, what in PARTS.items():
        one, other = (_listed(lock[part]) for lock in (first, second))
        known = (set(one.values()), set(other.values()))
        for path in dict.fromkeys((*one, *other)):
            here, there = one.get(path, ABSENT), other.get(path, ABSENT)
            if here != there and (places or (here not in known[1] and there not in known[0])):
                yield Difference(what, path, here, there)


def _listed(files: list[Mapping[str, Any]]) -> dict[str, str]:
    return {str(one["path"]): str(one["sha256"]) for one in files}


def _versions(first: Mapping[str, Any], second: Mapping[str, Any]) -> Iterator[Difference]:
    one, other = first["versions"], second["versions"]
    for name in dict.fromkeys((*one, *other)):
        if one.get(name) != other.get(name):
            yield Difference("version", name, one.get(name, ABSENT), other.get(name, ABSENT))


def _machine(first: Mapping[str, Any], second: Mapping[str, Any]) -> Iterator[Difference]:
    one, other = first["platform"], second["platform"]
    for key in ("system", "machine"):
        if one.get(key) != other.get(key):
            yield Difference("platform", key, one.get(key, ABSENT), other.get(key, ABSENT))
    has = [set(str(lock.get("features", "")).split()) for lock in (one, other)]
    for name in sorted(has[0] ^ has[1]):
        yield Difference("processor feature", name, *("yes" if name in features else "no" for features in has))


def _engine(first: Mapping[str, Any], second: Mapping[str, Any]) -> Iterator[Difference]:
    if first.get("engine") != second.get("engine"):
        yield Difference("engine", "that ran", first.get("engine", ABSENT), second.get("engine", ABSENT))


def short(value: Any) -> str:
    """A digest by its first letters; anything else as it is written."""
    text = str(value)
    return f"{text[:12]}…" if len(text) == 64 and text.isalnum() else text
