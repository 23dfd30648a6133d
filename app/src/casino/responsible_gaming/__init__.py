"""Responsible gaming: the limits of play that a rule or an age sets."""
