"""What runs a config: backtrader, its fast loop, the compiled loop, the tape; and whether they agree."""
