"""Feeds made of feeds: merged venues, continuous contracts, one side's trades."""
