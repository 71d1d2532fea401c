"""Kiyotaka's answers of several exchanges: one series each, unless they are asked for as a sum."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .source import InputOptions

GROUP_BY = "transform.groupBy.type"
"""What the provider's request calls the sum."""
SUM = "GROUP_BY_TYPE_SUM"


def by_exchange(source: InputOptions, names: Mapping[str, str]) -> Iterator[tuple[InputOptions, dict[str, str]]]:
    """Each exchange's input and what its series is called; all in one where a sum or a single tape is asked for.

    Parameters
    ----------
    source : InputOptions
        The input; of the feed ``Merge`` each venue is an exchange.
    names : mapping of str to str
        As ``--id`` says; exchanges, with commas between, are those of the venues in their order. Without them venues
        are called as their blocks say.

    Raises
    ------
    ParamError
        If exchanges are named, but not as many as there are venues.
    """
    from ..core.errors import ParamError
    from .source import feed_params

    venues: Any = feed_params(None, None, source.extra).get("feeds") if source.feed == "Merge" else None
    if not isinstance(venues, list) or len(venues) < 2 or names.get(GROUP_BY) == SUM:
        yield source, dict(names)
        return
    said = names["exchange"].split(",") if "exchange" in names else [v.get("name", v.get("feed")) for v in venues]
    if len(said) != len(venues):
        raise ParamError(
            f"--id: {len(said)} exchange{'s' if len(said) > 1 else ''} for {len(venues)} venues of Merge; name one "
            f"each, or say --id {GROUP_BY}={SUM} for their sum"
        )
    others = tuple(text for text in source.extra if text.partition("=")[0].strip() != "feeds")
    for venue, exchange in zip(venues, said, strict=True):
        own = replace(source, extra=(*others, f"feeds={json.dumps([venue])}"))
        yield own, {**names, "exchange": str(exchange)}
