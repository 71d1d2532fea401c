"""What the best of many runs is worth: their daily returns, and how high chance alone takes the best."""
