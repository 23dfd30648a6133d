-- Players: identity and the means to log in. Class of data: player_identity.
CREATE SCHEMA pam;
CREATE TABLE pam.players (
    player_id     uuid        PRIMARY KEY,
    email         text        NOT NULL CHECK (char_length(email) <= 254),  -- as the player wrote it
    email_key     text        NOT NULL UNIQUE,                             -- folded: one account however it is written
    password_hash text        NOT NULL,                                    -- argon2id, with its parameters
    date_of_birth date        NOT NULL,
    registered_at timestamptz NOT NULL
);
