-- Payment instruments: where a player's money comes from and goes to. A provider's token, never the number behind it.
CREATE TABLE wallet.instruments (
    instrument_id uuid        PRIMARY KEY,
    player_id     uuid        NOT NULL,
    method        text        NOT NULL CHECK (method IN ('card', 'bank', 'wallet', 'pix', 'crypto')),
    provider      text        NOT NULL,   -- where the token is known
    token         text        NOT NULL CHECK (char_length(token) BETWEEN 1 AND 256),
    owner_match   boolean,                -- the holder's name is the player's; null: not known
    country       text        CHECK (country ~ '^[A-Z]{2}$'),   -- of a card's BIN
    verified_at   timestamptz,
    verified_by   text,
    created_at    timestamptz NOT NULL,
    removed_at    timestamptz,            -- by the player: it is chosen no more, and money still goes back to it
    UNIQUE (player_id, method, token),
    CONSTRAINT verified_is_the_owners CHECK (verified_at IS NULL OR owner_match)
);

-- Who said whose an instrument is, and why; never rewritten.
CREATE TABLE wallet.instrument_decisions (
    instrument_id uuid        NOT NULL REFERENCES wallet.instruments,
    at            timestamptz NOT NULL,
    actor         text        NOT NULL,
    owner_match   boolean     NOT NULL,
    reason        text        NOT NULL CHECK (char_length(reason) BETWEEN 1 AND 500)
);
CREATE INDEX decisions_of_instrument ON wallet.instrument_decisions (instrument_id, at);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON wallet.instrument_decisions
    FOR EACH STATEMENT EXECUTE FUNCTION wallet.refuse_rewrite();
