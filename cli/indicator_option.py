"""Indicators as the command line writes them: ``vwap=VWAP(anchor=1d, bands=[2.0])``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..configs.plugin import snake
from ..core.errors import ParamError

_FORM = re.compile(r"\s*(?:([A-Za-z_]\w*)\s*=)?\s*([A-Za-z_][\w.:]*)\s*(?:\((.*)\))?\s*", re.DOTALL)
_PAIR = {"(": ")", "[": "]", "{": "}"}


@dataclass(frozen=True)
class IndicatorOption:
    """One indicator asked for.

    Parameters
    ----------
    name : str
        What its columns begin with.
    kind : str
        Class name, ``talib.NAME`` or ``module:Class``.
    params : dict
        Its parameters.
    """

    name: str
    kind: str
    params: dict[str, Any] = field(default_factory=dict)


def parse_indicator_options(texts: Sequence[str]) -> list[IndicatorOption]:
    """All of them, each under a name of its own.

    Raises
    ------
    ParamError
        Naming the argument.
    """
    made: dict[str, IndicatorOption] = {}
    for text in texts:
        option = parse_indicator_option(text)
        if option.name in made:
            raise ParamError(f"--indicator {text}: the name '{option.name}' is taken; write other={option.kind}(…)")
        made[option.name] = option
    return list(made.values())


def parse_indicator_option(text: str) -> IndicatorOption:
    """One indicator from ``name=Kind(param=value, …)``; without a name it goes by its kind's.

    Values are read as in a run's YAML. Nothing is evaluated.

    Raises
    ------
    ParamError
        Naming the argument and what was expected.

    Examples
    --------
    >>> parse_indicator_option("vwap=VWAP(anchor=1d, bands=[2.0, 3])")
    IndicatorOption(name='vwap', kind='VWAP', params={'anchor': '1d', 'bands': [2.0, 3]})
    >>> parse_indicator_option("FlowToxicity").name
    'flow_toxicity'
    """
    hit = _FORM.fullmatch(text)
    if not hit:
        raise ParamError(f"--indicator {text}: write name=Kind(param=value, …), as in vwap=VWAP(anchor=1d)")
    name, kind, inside = hit.groups()
    params: dict[str, Any] = {}
    for part in _parts(text, inside or ""):
        key, value = _param(text, part)
        if key in params:
            raise ParamError(f"--indicator {text}: parameter '{key}' is given twice")
        params[key] = value
    return IndicatorOption(name or snake(kind), kind, params)


def _param(text: str, part: str) -> tuple[str, Any]:
    from ..configs.document import parse_value

    key, equals, value = part.partition("=")
    if not equals or not key.strip().isidentifier():
        raise ParamError(f"--indicator {text}: '{part.strip()}' is no param=value")
    try:
        return key.strip(), parse_value(value.strip())
    except ValueError as err:
        raise ParamError(f"--indicator {text}: {key.strip()}: {err}") from None


def _parts(text: str, inside: str) -> Iterator[str]:
    """Split at the commas that stand in no bracket and no quotes."""
    closing, quote, begin = "", "", 0
    for i, char in enumerate(inside):
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char in _PAIR:
            closing += _PAIR[char]
        elif char in ")]}":
            if not closing.endswith(char):
                raise ParamError(f"--indicator {text}: '{char}' closes nothing")
            closing = closing[:-1]
        elif char == "," and not closing:
            yield inside[begin:i]
            begin = i + 1
    if closing or quote:
        raise ParamError(f"--indicator {text}: missing {quote or closing[-1]}")
    if rest := inside[begin:].strip():
        yield rest
