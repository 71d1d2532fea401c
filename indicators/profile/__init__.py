"""Volume and time at price over many bars: volume profile, naked POC, TPO."""
