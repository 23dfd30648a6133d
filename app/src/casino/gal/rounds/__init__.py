"""Rounds of several steps of the casino's own games: how one starts, goes on, is interrupted and ends."""
