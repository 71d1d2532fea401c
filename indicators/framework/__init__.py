"""What an indicator is: the base, its inputs, the loops that run its kernel."""
