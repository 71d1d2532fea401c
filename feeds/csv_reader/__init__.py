"""The compiled reader of CSV: files to cells to columns."""
