"""Player account management: who the players are, and their sessions."""
