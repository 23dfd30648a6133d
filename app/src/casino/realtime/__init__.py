"""Real time: what happens is told to players at once, over WebSockets, from streams in Redis (ADR 32)."""
