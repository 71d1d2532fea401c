"""The ledger of a project: what was run on which data, chained, so that the number of trials cannot be forgotten."""

from .entry import Entry
from .ledger import Known, Ledger
from .points import Finished, PointCounter
from .runs import count_run

__all__ = ["Entry", "Finished", "Known", "Ledger", "PointCounter", "count_run"]
