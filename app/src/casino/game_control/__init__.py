"""Game control: par sheets, win computation and the random number generator."""
