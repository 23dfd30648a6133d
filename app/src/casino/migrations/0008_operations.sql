-- What workers do by the clock, and what operations read: built from events, and built anew from them by a command.
CREATE TABLE ops.jobs (
    name        text        PRIMARY KEY,
    next_at     timestamptz NOT NULL,
    holder      uuid,
    lease_until timestamptz,
    started_at  timestamptz,
    ended_at    timestamptz,
    failures    integer     NOT NULL DEFAULT 0,  -- in a row
    result      jsonb
);

-- Handle, wins and rounds of a day (where the licence is) by game.
CREATE TABLE ops.play_by_day (
    day         date   NOT NULL,
    game_id     text   NOT NULL,
    currency    text   NOT NULL,
    rounds      bigint NOT NULL,
    stake_minor bigint NOT NULL,
    win_minor   bigint NOT NULL,
    PRIMARY KEY (day, game_id, currency)
);
