"""What a file is: told from its first rows, and how a feed reads it."""
