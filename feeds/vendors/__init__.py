"""Files of data vendors and of other programs, one vendor a file."""
