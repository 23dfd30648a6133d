"""Numbered SQL files, applied in order by `python -m casino migrate`."""
