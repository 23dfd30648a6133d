"""Which release of the casino each tenant runs, and how a fleet comes from one to the next (ADR 39)."""
