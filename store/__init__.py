"""The store: what lies in a catalog, and how days get in and out of it."""
