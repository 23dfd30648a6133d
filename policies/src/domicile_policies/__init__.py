"""For policy documents generated from the catalogue. Empty so far."""
