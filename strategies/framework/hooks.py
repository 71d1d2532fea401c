"""An author's own hooks, wrapped: what protects positions works, whether or not they call super()."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from types import FunctionType
from typing import Any

Hook = Callable[..., None]


def _starting(start: Hook) -> Hook:
    @wraps(start)
    def hook(self: Any) -> None:
        self._prepare()
        start(self)

    return hook


def _hearing(notify: Hook) -> Hook:
    @wraps(notify)
    def hook(self: Any, order: Any) -> None:
        if self._heard is order:  # a parent's hook, reached by super()
            notify(self, order)
            return
        self._hear(order)
        self._heard = order
        notify(self, order)
        self._heard = None

    return hook


def is_ruined(strategy: Any) -> bool:
    """Whether the account is worth nothing, so that nothing is decided any more."""
    return getattr(strategy.broker, "ruined_at", None) is not None


def _deciding(decide: Hook) -> Hook:
    """Protection is sent after the decision: backtrader cancels no order that was sent on the same bar, so that an exit
    on the very bar of the entry could not take it back.
    """

    @wraps(decide)
    def hook(self: Any) -> None:
        if self._decides:
            decide(self)
            return
        if is_ruined(self):
            return
        self._decides = True
        decide(self)
        self._decides = False
        self._settle()

    return hook


_WRAPPED: dict[str, Callable[[Hook], Hook]] = {
    "start": _starting,
    "notify_order": _hearing,
    "next": _deciding,
    "prenext": _deciding,
    "nextstart": _deciding,
}


def keep_machinery(cls: Any, base: type) -> None:
    """Wrap the hooks that ``cls``, or a mixin of it, has of its own; its parents' are wrapped already."""
    for name, wrap in _WRAPPED.items():
        owner = next(each for each in cls.__mro__ if name in each.__dict__)
        inherited = owner is not cls and issubclass(owner, base)
        if not inherited and not owner.__module__.startswith("backtrader."):
            own = owner.__dict__[name]
            setattr(cls, name, wrap(own if isinstance(own, FunctionType) else _called(own)))


def _called(own: Any) -> Hook:
    """A hook that is no plain function, as one."""

    def hook(self: Any, *args: Any) -> None:
        own.__get__(self, type(self))(*args) if hasattr(own, "__get__") else own(*args)

    return hook
