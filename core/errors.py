"""Errors a user can act on. Each says where, what, what is allowed and the nearest name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from .synonyms import meant


class TapeflowError(Exception):
    """A mistake of the user's: reported in one line, exit code 2."""


class ConfigError(TapeflowError):
    """A run's YAML, or an override of it, is wrong."""


class DataError(TapeflowError):
    """A file or a series cannot be read as what it was said to be."""


class FormatError(DataError):
    """A file is not laid out as the feed that was asked to read it wants; another may."""


class SystemFaultError(DataError, OSError):
    """The system cannot write a file: its drive is full, or may not be written to."""


class ParamError(TapeflowError):
    """A parameter is unknown or out of bounds."""


class InputError(TapeflowError):
    """A feed does not carry a column that something reads."""


class ExpressionError(TapeflowError):
    """A rule is not an expression of the allowed names and operators."""


class PluginError(TapeflowError):
    """A plugin cannot be imported, or takes a name that is taken."""


def nearest(name: str, allowed: Iterable[str]) -> str | None:
    """The allowed name that ``name`` means or is most like, or None when nothing is close.

    >>> nearest("VWPA", ["VWAP", "VolumeDelta"]), nearest("commission", ["cash", "fees"])
    ('VWAP', 'fees')
    """
    allowed = list(allowed)
    if found := meant(name, allowed):
        return found
    by_lower = {a.lower(): a for a in allowed}
    hits = difflib.get_close_matches(name.lower(), list(by_lower), n=1, cutoff=0.5)
    return by_lower[hits[0]] if hits else None


def unknown(what: str, name: str, allowed: Iterable[str]) -> str:
    """The standing sentence for a name nobody knows.

    >>> unknown("indicator", "VWPA", ["VWAP", "VolumeDelta"])
    "unknown indicator 'VWPA', did you mean 'VWAP'? (allowed: VWAP, VolumeDelta)"
    """
    names = sorted(allowed)
    near = nearest(name, names)
    hint = f", did you mean '{near}'?" if near else ""
    return f"unknown {what} '{name}'{hint} (allowed: {listed(names) or 'none'})"


def listed(names: Sequence[str]) -> str:
    """Names for a line of a message: not all where there are many, and of a long one its beginning.

    >>> listed(["time", "price"]), listed([f"c{i}" for i in range(500)])[-20:], len(listed(["x" * 500]))
    ('time, price', 'c38, c39, … 460 more', 60)
    """
    shown = [name if len(name) <= 60 else name[:59] + "…" for name in names[:40]]
    return ", ".join(shown + [f"… {len(names) - 40} more"] * (len(names) > 40))
