"""Rules: expressions and their functions, the legal shape of a block, and the orders that rules send."""
