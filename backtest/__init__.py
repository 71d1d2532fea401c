"""One run: its feeds read, an engine chosen, its results written."""
