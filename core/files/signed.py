"""Texts of ours that carry their own sha256, so that a byte that changed is found when they are read."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

from ..errors import DataError
from .writing import is_stream, why

MOST = 1 << 26
"""Bytes of a text of ours at most: far above any, far below what fills a memory."""
_YAML = re.compile(rb"# sha256 of the lines below: ([0-9a-f]{64})\n")
_HTML = re.compile(rb"<!-- sha256 of the lines above: ([0-9a-f]{64}) -->\n\Z")
_LONGEST = 100
_DEEPEST = 50


def signed(text: str) -> str:
    """A YAML text with its digest in the first line.

    >>> signed("a: 1\\n").splitlines()[1]
    'a: 1'
    """
    return f"# sha256 of the lines below: {_digest(text.encode())}\n{text}"


def signed_page(text: str) -> str:
    """An HTML page with its digest in the last line."""
    return f"{text}<!-- sha256 of the lines above: {_digest(text.encode())} -->\n"


def is_signed_page(path: Path) -> bool:
    """Whether a page is as it was written."""
    raw = read_bounded(path)
    hit = _HTML.search(raw[-_LONGEST:])
    return hit is not None and hit[1].decode() == _digest(raw[: -len(hit[0])])


def read_bounded(path: Path) -> bytes:
    """The bytes of a text of ours.

    Raises
    ------
    DataError
        If it cannot be read, or is larger than any of ours.
    """
    try:
        if is_stream(path):
            raise DataError(f"{path}: is a pipe or a device, none of ours")
        with path.open("rb") as file:
            raw = file.read(MOST + 1)
    except FileNotFoundError:
        raise
    except OSError as err:
        raise DataError(f"{path}: cannot be read: {why(err)}") from None
    if len(raw) > MOST:
        raise DataError(f"{path}: is larger than {MOST >> 20} MiB; it is none of ours")
    return raw


def read_signed(path: Path, what: str, key: str) -> bytes:
    """The YAML of a signed text, its digest compared.

    Parameters
    ----------
    path : Path
        The file.
    what : str
        What errors call it.
    key : str
        Of a top-level key that only signed texts have: without a signature the text has none.

    Raises
    ------
    DataError
        If a byte changed since it was written.
    """
    raw = read_bounded(path)
    hit = _YAML.match(raw)
    text = raw[hit.end() :] if hit else raw
    if hit is None and re.search(rb"(?m)^" + key.encode() + rb":", raw) is None:
        return text
    if hit is None or hit[1].decode() != _digest(text):
        raise DataError(
            f"{path}: is damaged, or somebody changed it: its sha256 is not that of {what} that was written"
        )
    return text


def load_yaml(path: Path, text: bytes, what: str) -> dict[str, Any]:
    """The mapping in a text of ours, which has no aliases and is not nested without end.

    Raises
    ------
    DataError
        If it is something else.
    """
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, where PyYAML was built with its C part
    try:
        _check_events(yaml.parse(text, Loader=loader))
        made = yaml.load(text, Loader=loader)  # noqa: S506  (a safe one)
    except (yaml.YAMLError, ValueError, RecursionError) as err:
        said = str(err).splitlines() or [type(err).__name__]
        raise DataError(f"{path}: not {what} ({said[0][:200]})") from None
    if not isinstance(made, dict) or not made:
        raise DataError(f"{path}: not {what} (it holds no mapping)")
    return made


def _check_events(events: Any) -> None:
    depth = 0
    for event in events:
        kind = type(event).__name__
        depth += kind.endswith("StartEvent") - kind.endswith("EndEvent")
        if kind == "AliasEvent" or depth > _DEEPEST:
            raise ValueError("an alias stands in it" if kind == "AliasEvent" else "it is nested too deeply")


def _digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()
