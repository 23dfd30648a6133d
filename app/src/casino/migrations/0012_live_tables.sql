-- Rounds of live tables, and the bets on them. What a bet holds is the wallet's (a hold, part of the round).
CREATE TABLE gal.live_rounds (
    round_id    uuid        PRIMARY KEY,
    table_id    text        NOT NULL CHECK (table_id ~ '^[a-z0-9][a-z0-9_-]{0,63}$'),
    state       text        NOT NULL CHECK (state IN ('open', 'closed', 'resulted', 'settled', 'voided')),
    opened_at   timestamptz NOT NULL,
    closes_at   timestamptz NOT NULL CHECK (closes_at > opened_at),
    closed_at   timestamptz,
    result      smallint CHECK (result BETWEEN 0 AND 36),
    resulted_at timestamptz,
    ended_at    timestamptz,
    CONSTRAINT result_when_resulted CHECK ((result IS NOT NULL) = (resulted_at IS NOT NULL)),
    CONSTRAINT result_before_settled CHECK (state NOT IN ('resulted', 'settled') OR result IS NOT NULL),
    CONSTRAINT ended CHECK ((state IN ('settled', 'voided')) = (ended_at IS NOT NULL))
);
-- A table plays one round at a time.
CREATE UNIQUE INDEX live_rounds_running ON gal.live_rounds (table_id) WHERE state NOT IN ('settled', 'voided');
CREATE INDEX live_rounds_table ON gal.live_rounds (table_id, round_id DESC);

-- `pending`: noted, and not yet known whether the wallet holds its stake. Only what was accepted before the result
-- was drawn takes part.
CREATE TABLE gal.live_bets (
    bet_id       uuid        PRIMARY KEY,
    round_id     uuid        NOT NULL REFERENCES gal.live_rounds,
    account_id   bigint      NOT NULL,
    key          text        NOT NULL CHECK (char_length(key) BETWEEN 1 AND 128),
    request_hash bytea       NOT NULL CHECK (octet_length(request_hash) = 32),
    selection    text        NOT NULL CHECK (char_length(selection) <= 32),
    stake        bigint      NOT NULL CHECK (stake > 0),
    status       text        NOT NULL CHECK (status IN ('pending', 'accepted', 'settled', 'voided')),
    win          bigint CHECK (win >= 0),
    received_at  timestamptz NOT NULL,
    CONSTRAINT win_when_settled CHECK ((status = 'settled') = (win IS NOT NULL)),
    UNIQUE (account_id, key)
);
CREATE INDEX live_bets_round ON gal.live_bets (round_id, account_id);
