-- Oversight of the games (docs/games.md): what may be offered and who said so, what the games return in play, jackpots,
-- and a player's history to search in. Class of data: gameplay; the history is a player's.

CREATE FUNCTION game_control.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% only grows', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;

-- A regulator's or laboratory's list of what may be offered, as it was taken over: whole, and the newest is in force.
CREATE TABLE game_control.approved_lists (
    list_id     uuid        PRIMARY KEY,
    position    bigint      GENERATED ALWAYS AS IDENTITY UNIQUE,
    source      text        NOT NULL CHECK (char_length(source) BETWEEN 1 AND 200),
    sha256      bytea       NOT NULL CHECK (octet_length(sha256) = 32),  -- of the file that it came in
    recorded_by text        NOT NULL CHECK (char_length(recorded_by) BETWEEN 1 AND 100),
    recorded_at timestamptz NOT NULL
);
CREATE TABLE game_control.approved_games (
    list_id     uuid NOT NULL REFERENCES game_control.approved_lists,
    game_id     text NOT NULL,
    version     text NOT NULL,
    signature   text CHECK (signature ~ '^[0-9a-f]{64}$'),  -- null: the list names versions alone
    valid_from  date NOT NULL,
    valid_until date CHECK (valid_until >= valid_from)
);
CREATE INDEX approved_games_list ON game_control.approved_games (list_id);

-- Who asked for a game to be offered again: another person has to agree.
CREATE TABLE game_control.switch_requests (
    request_id uuid        PRIMARY KEY,
    game_id    text        NOT NULL,
    version    text,
    reason     text        NOT NULL CHECK (char_length(reason) BETWEEN 1 AND 500),
    asked_by   text        NOT NULL CHECK (char_length(asked_by) BETWEEN 1 AND 100),
    asked_at   timestamptz NOT NULL
);
-- What was switched, in its order. One person switches a game off; two switch it on.
CREATE TABLE game_control.switches (
    switch_id    uuid        PRIMARY KEY,
    position     bigint      GENERATED ALWAYS AS IDENTITY UNIQUE,
    game_id      text        NOT NULL,
    version      text,       -- null: all versions
    enabled      boolean     NOT NULL,
    reason       text        NOT NULL CHECK (char_length(reason) BETWEEN 1 AND 500),
    actor        text        NOT NULL CHECK (char_length(actor) BETWEEN 1 AND 100),
    second_actor text        CHECK (char_length(second_actor) BETWEEN 1 AND 100),
    request_id   uuid        UNIQUE REFERENCES game_control.switch_requests,
    set_at       timestamptz NOT NULL,
    CONSTRAINT two_switch_on CHECK (NOT enabled OR second_actor IS NOT NULL),
    CONSTRAINT two_are_two CHECK (second_actor <> actor)
);

-- Software verification on demand: who asked, and what each process found, then and otherwise.
CREATE TABLE game_control.verification_requests (
    request_id uuid        PRIMARY KEY,
    position   bigint      GENERATED ALWAYS AS IDENTITY UNIQUE,
    asked_by   text        NOT NULL CHECK (char_length(asked_by) BETWEEN 1 AND 100),
    asked_at   timestamptz NOT NULL
);
CREATE TABLE game_control.verifications (
    verification_id uuid        PRIMARY KEY,
    process         text        NOT NULL,
    occasion        text        NOT NULL CHECK (occasion IN ('start', 'daily', 'demand')),
    ok              boolean     NOT NULL,
    disabled        text[]      NOT NULL,
    faults          jsonb       NOT NULL,
    verified_at     timestamptz NOT NULL
);
CREATE INDEX verifications_at ON game_control.verifications (verified_at);

DO $$
DECLARE
    history text;
BEGIN
    FOREACH history IN ARRAY ARRAY['approved_lists', 'approved_games', 'switch_requests', 'switches',
            'verification_requests', 'verifications'] LOOP
        EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON game_control.%I
            FOR EACH STATEMENT EXECUTE FUNCTION game_control.refuse_change()', history);
    END LOOP;
END $$;

-- What was played of a version on a day (where the licence is): built from the wallet's events.
CREATE TABLE game_control.play_by_day (
    game_id       text    NOT NULL,
    version       text    NOT NULL,
    currency      text    NOT NULL,
    day           date    NOT NULL,
    rounds        bigint  NOT NULL,
    staked        bigint  NOT NULL,
    won           bigint  NOT NULL,
    stake_squares numeric NOT NULL,  -- of each round's first stake
    PRIMARY KEY (game_id, version, currency, day)
);
-- How what was played in a window last stood to the certified figures.
CREATE TABLE game_control.drift (
    game_id   text             NOT NULL,
    version   text             NOT NULL,
    currency  text             NOT NULL,
    span      text             NOT NULL,
    rounds    bigint           NOT NULL,
    staked    bigint           NOT NULL,
    won       bigint           NOT NULL,
    low       double precision NOT NULL,
    high      double precision NOT NULL,
    z         double precision NOT NULL,
    verdict   text             NOT NULL,
    judged_at timestamptz      NOT NULL,
    PRIMARY KEY (game_id, version, currency, span)
);

-- A player's history to search in: built from the wallet's events. `position` is the order of one account's.
CREATE TABLE ops.history (
    account_id     bigint      NOT NULL,
    position       bigint      NOT NULL,
    transaction_id uuid        NOT NULL,
    kind           text        NOT NULL,
    created_at     timestamptz NOT NULL,
    taken          bigint      NOT NULL,
    given          bigint      NOT NULL,
    balance        bigint      NOT NULL,
    details        jsonb       NOT NULL,
    PRIMARY KEY (account_id, position)
);

-- Rounds that hit a jackpot, noted before the round is written, so that a crash in between is found.
CREATE TABLE gal.jackpot_hits (
    hit_id         uuid        PRIMARY KEY,
    jackpot        text        NOT NULL,
    cycle          bigint,     -- of a must-hit-by: who is the second to hit a cycle wins nothing
    account_id     bigint      NOT NULL,
    key            text        NOT NULL,
    noted_at       timestamptz NOT NULL,
    outcome        text        CHECK (outcome IN ('paid', 'gone', 'no_round')),
    round_id       uuid,
    amount         bigint,
    resolved_at    timestamptz,
    CONSTRAINT resolved CHECK ((outcome IS NULL) = (resolved_at IS NULL))
);
CREATE INDEX jackpot_hits_open ON gal.jackpot_hits (noted_at) WHERE outcome IS NULL;
CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON gal.jackpot_hits
    FOR EACH STATEMENT EXECUTE FUNCTION gal.refuse_deletion();

-- Begins a jackpot with its seed, once whoever asks. The lock keeps two first ones from each opening an account and
-- taking it for the one that bears the keys.
CREATE FUNCTION wallet.begin_jackpot(p_name text, p_currency text, p_seed bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('jackpot ' || p_name || ' ' || p_currency, 0));
    PERFORM wallet.seed_jackpot(p_name, p_currency, p_seed, 'begin');
END $$;

-- What stands in a jackpot, in millionths of the smallest unit, and its cycle: how often it was seeded.
CREATE FUNCTION wallet.jackpot_meter(p_name text, p_currency text, OUT micros bigint, OUT cycle bigint)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT (coalesce(sum(a.balance), 0) * 1000000 + coalesce(sum(a.carry), 0))::bigint,
        (SELECT count(*) FROM wallet.request_keys k WHERE k.account_id = min(a.account_id) AND k.kind = 'jackpot_seed')
    FROM wallet.accounts a
    WHERE a.player_id IS NULL AND a.kind = 'jackpot' AND a.name = p_name AND a.currency = p_currency
$$;

-- Pays a jackpot that was hit in a cycle, if that cycle is not over yet (`jackpot_gone`), by wallet.pay_jackpot. Locks
-- as it does: the player's cash, then the jackpot's shards in their order.
CREATE FUNCTION wallet.pay_jackpot_of(
    p_name text, p_cycle bigint, p_account bigint, p_key text, p_hash bytea, p_transaction uuid, p_seed bigint,
    p_details jsonb,
    OUT outcome text, OUT transaction_id uuid, OUT amount bigint, OUT balance bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    player wallet.accounts;
BEGIN
    SELECT * INTO player FROM wallet.accounts a
        WHERE a.account_id = p_account AND a.kind = 'player_cash' FOR NO KEY UPDATE;
    balance := player.balance;
    IF NOT EXISTS (SELECT FROM wallet.request_keys k
            WHERE k.account_id = p_account AND k.kind = 'jackpot_win' AND k.key = p_key) THEN
        PERFORM FROM wallet.accounts a
            WHERE a.player_id IS NULL AND a.kind = 'jackpot' AND a.name = p_name AND a.currency = player.currency
            ORDER BY a.account_id FOR NO KEY UPDATE;
        IF (SELECT m.cycle FROM wallet.jackpot_meter(p_name, player.currency) AS m) <> p_cycle THEN
            outcome := 'jackpot_gone'; amount := 0; RETURN;
        END IF;
    END IF;
    SELECT p.outcome, p.transaction_id, p.amount, p.balance INTO outcome, transaction_id, amount, balance
        FROM wallet.pay_jackpot(p_name, p_account, p_key, p_hash, p_transaction, p_seed, p_details) AS p;
END $$;
