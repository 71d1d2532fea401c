"""Exchanges' own dumps and API answers, one venue a file."""
