-- Which log-in a session of a player's was last opened by: who has found that they have no session any more, and takes
-- them out of `presence`, does it only where nobody has come since.
ALTER TABLE responsible_gaming.presence ADD COLUMN last_login uuid;
