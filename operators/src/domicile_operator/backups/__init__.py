"""Backups of tenants: what is next for each of them, the Job that takes one, and the pass over all of a cell."""
