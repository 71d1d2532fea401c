"""`python -m tapeflow.cli` is the command `tapeflow`."""

from . import main

main()
