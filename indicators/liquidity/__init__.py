"""What trading costs and how far it moves the price: spreads, impact, illiquidity."""
