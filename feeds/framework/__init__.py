"""What a provider's class is made of: the bases, rows in order, klines settled, sides inferred."""
