"""Where a player is: evidence, a decision as a function of values, and what asks for it."""
