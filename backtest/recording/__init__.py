"""What a run did, as it happens: orders, fills, round trips."""
