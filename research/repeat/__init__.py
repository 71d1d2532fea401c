"""A run again from its lock: its files found by digest, its outputs compared with those of the first time."""

from .finder import FileFinder
from .locked_run import LockedRun
from .reproduce import Reproduction, reproduce
from .staged import staged

__all__ = ["FileFinder", "LockedRun", "Reproduction", "reproduce", "staged"]
