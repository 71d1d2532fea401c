"""Price itself: averages by volume and by time, smoothed candles."""
