"""Statistics of any column or of another indicator's line."""
