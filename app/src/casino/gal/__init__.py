"""Game aggregation: the games that a player may play, and the course of a round."""
