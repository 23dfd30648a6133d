-- External studios (docs/studios.md): their games, the sessions these are opened in, what was said of money, and free
-- rounds. Class of data: gameplay; a session carries the player's date of birth, by which a stake is judged.
CREATE TABLE gal.studios (
    studio  text    PRIMARY KEY CHECK (studio ~ '^[a-z][a-z0-9-]{1,23}$'),
    name    text    NOT NULL,
    enabled boolean NOT NULL DEFAULT true
);

CREATE TABLE gal.studio_games (
    game_id text    PRIMARY KEY CHECK (game_id ~ '^[a-z0-9][a-z0-9.-]{0,63}$'),
    studio  text    NOT NULL REFERENCES gal.studios,
    code    text    NOT NULL CHECK (char_length(code) BETWEEN 1 AND 100),  -- what the studio calls it
    name    text    NOT NULL,
    enabled boolean NOT NULL DEFAULT true,
    UNIQUE (studio, code)
);

-- What a laboratory's certificate and a regulator's admission say: a game is offered where it was approved.
CREATE TABLE gal.game_approvals (
    game_id      text        NOT NULL REFERENCES gal.studio_games,
    jurisdiction text        NOT NULL,
    certificate  text        NOT NULL,
    approved_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (game_id, jurisdiction)
);

CREATE TABLE gal.game_sessions (
    session_id    uuid        PRIMARY KEY,
    token_hash    bytea       NOT NULL UNIQUE CHECK (octet_length(token_hash) = 32),
    studio        text        NOT NULL REFERENCES gal.studios,
    game_id       text        NOT NULL REFERENCES gal.studio_games,
    player_id     uuid        NOT NULL,
    account_id    bigint      NOT NULL,
    date_of_birth date        NOT NULL,
    currency      text        NOT NULL,
    opened_at     timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL
);
CREATE INDEX game_sessions_player ON gal.game_sessions (player_id, studio);

-- Free rounds granted. How many are used is told by what was played from them (studio_transactions).
CREATE TABLE gal.free_rounds (
    grant_id   uuid        PRIMARY KEY,
    studio     text        NOT NULL REFERENCES gal.studios,
    game_id    text        NOT NULL REFERENCES gal.studio_games,
    player_id  uuid        NOT NULL,
    account_id bigint      NOT NULL,
    rounds     integer     NOT NULL CHECK (rounds BETWEEN 1 AND 1000),
    bet        bigint      NOT NULL CHECK (bet > 0),
    currency   text        NOT NULL,
    expires_at timestamptz NOT NULL,
    granted_at timestamptz NOT NULL,
    told_at    timestamptz  -- when the studio took it; until then nobody plays it
);
CREATE INDEX free_rounds_player ON gal.free_rounds (player_id, expires_at);
CREATE INDEX free_rounds_untold ON gal.free_rounds (granted_at) WHERE told_at IS NULL;

-- What a studio asked, once for each of its ids. `pending`: written down, and whether the wallet has moved is not known
-- here; `claim` tells who is finding out. A `tombstone` stands for what was rolled back before it came: when it comes,
-- the row is there already, and it is refused. Nothing else of a tombstone's is known.
CREATE TABLE gal.studio_transactions (
    studio         text        NOT NULL REFERENCES gal.studios,
    transaction_id text        NOT NULL CHECK (char_length(transaction_id) BETWEEN 1 AND 100),
    kind           text        NOT NULL CHECK (kind IN ('bet', 'win', 'rollback', 'tombstone')),
    status         text        NOT NULL
        CHECK (status IN ('pending', 'done', 'refused', 'rolled_back', 'tombstone')),
    request_hash   bytea       CHECK (octet_length(request_hash) = 32),
    account_id     bigint,     -- null where a rollback of something unknown did not tell whose it was
    player_id      uuid,
    round_id       text        NOT NULL DEFAULT '',
    game_id        text,
    currency       text,
    amount         bigint      NOT NULL DEFAULT 0 CHECK (amount >= 0),
    reference      text,
    closes         boolean     NOT NULL DEFAULT false,
    grant_id       uuid        REFERENCES gal.free_rounds,
    stake_cap      bigint,     -- of a bet: the player's at that moment
    fault          text,       -- the answer, to be given again
    balance        bigint,
    claim          uuid,
    claimed_until  timestamptz,
    created_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at    timestamptz,
    PRIMARY KEY (studio, transaction_id),
    CONSTRAINT known_unless_buried CHECK ((kind = 'tombstone') = (request_hash IS NULL)),
    CONSTRAINT finished CHECK ((status = 'pending') = (finished_at IS NULL))
);
CREATE INDEX studio_transactions_round ON gal.studio_transactions (studio, round_id, account_id);
CREATE INDEX studio_transactions_grant ON gal.studio_transactions (grant_id) WHERE grant_id IS NOT NULL;
CREATE INDEX studio_transactions_undone ON gal.studio_transactions (studio, reference) WHERE kind = 'rollback';
CREATE INDEX studio_transactions_pending ON gal.studio_transactions (created_at) WHERE status = 'pending';

CREATE FUNCTION gal.refuse_deletion() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what a studio said of money is kept' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON gal.studio_transactions
    FOR EACH STATEMENT EXECUTE FUNCTION gal.refuse_deletion();
