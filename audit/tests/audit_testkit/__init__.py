"""What the audit's tests share: a world in moto, and a planter of faults."""
