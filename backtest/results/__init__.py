"""What a run came to: figures, intervals, caveats, and the folder they are written to."""
