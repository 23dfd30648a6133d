"""Policy documents generated from the catalogue."""
