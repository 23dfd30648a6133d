"""Reads the world back and compares it with the catalogue."""
