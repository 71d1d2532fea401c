"""What a run reads: its feeds with their trading hours, and lines that runs share."""
