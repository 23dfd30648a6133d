"""For reading the world back and writing evidence. Empty so far."""
