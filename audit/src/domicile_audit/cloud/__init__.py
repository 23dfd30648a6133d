"""Reads the cloud back through its API."""
