"""Reads the world back and writes evidence."""
