"""What a strategy is: the base, signals, protection, limits."""
