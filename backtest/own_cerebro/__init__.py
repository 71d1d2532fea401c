"""What a Cerebro that somebody else set up did, as the result of a run."""
