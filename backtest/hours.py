"""Trading hours of a feed, and what follows them unless it says otherwise: indicators' days, and a run's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.errors import ParamError
from ..core.hours import TradingDays
from ..feeds.aggregation.kinds import BarSpec
from ..feeds.aggregation.sessions import Session


def hours_of(spec: str) -> TradingDays | None:
    """The trading hours of a kind of bars; None where it has none.

    Examples
    --------
    >>> hours_of("30m@1d:America/New_York@09:30-16:00").text, hours_of("1m"), hours_of("own")
    ('America/New_York@09:30-16:00', None, None)
    """
    try:
        session = BarSpec.parse(spec).session
    except ParamError:
        return None
    return None if session is None else session.hours


def following(cls: Any, params: Mapping[str, Any], spec: str) -> dict[str, Any]:
    """An indicator's parameters on bars of ``spec``: days are those of their trading hours unless ``timezone`` is said.

    Parameters
    ----------
    cls : type
        The indicator.
    params : mapping
        As given, without defaults.
    spec : str
        The kind of bars.
    """
    given, hours = dict(params), hours_of(spec)
    if hours is None or "timezone" in given or "timezone" not in getattr(cls, "bounds", {}):
        return given
    made = {**given, "timezone": hours.text}
    try:
        cls.resolve(made)
    except ParamError:  # it counts by no days
        return given
    return made


def session_in(text: str, spec: str) -> str:
    """A session in a run on bars of ``spec``: without a zone its days are those of their trading hours.

    Examples
    --------
    >>> session_in("1d", "30m@1d:America/New_York@09:30-16:00"), session_in("1d:UTC@17:00", "1m")
    ('1d:America/New_York@09:30-16:00', '1d:UTC@17:00')
    """
    session, hours = Session.parse(text), hours_of(spec)
    if hours is None or session.timezone != "UTC" or not session.by_date:
        return text
    return str(Session(session.text, hours.text))
