"""Who was the aggressor: signed volume, its sums, shares, sizes and toxicity."""
