"""Plugins: found by name, told from the package's own code, and watched for what they read."""
