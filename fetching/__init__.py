"""Fetching: files and pages over HTTP, verified, resumed and put in place."""
