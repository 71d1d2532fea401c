"""How far prices move: realised, high-low and jump-robust estimators."""
