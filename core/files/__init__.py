"""Files and folders: written whole or not at all, signed, and told apart by their digests."""
