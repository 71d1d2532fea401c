"""What the price rows of one bar show: imbalances, absorption, exhaustion, sweeps."""
