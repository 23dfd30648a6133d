-- Seeds of provably fair rounds (docs/games.md). A server seed is committed to before the player names a client seed for
-- it, gives a nonce to each round once, and is shown when it gives no more and no round of it can still be played.
CREATE TABLE game_control.seed_pairs (
    seed_id     uuid        PRIMARY KEY,
    player_id   uuid        NOT NULL,
    server_seed bytea       NOT NULL UNIQUE CHECK (octet_length(server_seed) = 32),
    client_seed text CHECK (client_seed ~ '^[A-Za-z0-9_-]{1,64}$'),
    state       text        NOT NULL CHECK (state IN ('next', 'current', 'retired', 'revealed')),
    nonce       bigint      NOT NULL DEFAULT 0 CHECK (nonce >= 0),  -- of the next round
    created_at  timestamptz NOT NULL,
    retired_at  timestamptz,
    CONSTRAINT client_seed_when_used CHECK ((state = 'next') = (client_seed IS NULL)),
    CONSTRAINT retired CHECK ((state IN ('retired', 'revealed')) = (retired_at IS NOT NULL))
);
CREATE UNIQUE INDEX seed_pairs_in_use ON game_control.seed_pairs (player_id, state) WHERE state IN ('next', 'current');
CREATE INDEX seed_pairs_player ON game_control.seed_pairs (player_id, seed_id DESC);

-- A nonce belongs to one request, and to the one round that may come of it.
CREATE TABLE game_control.fair_rounds (
    seed_id     uuid        NOT NULL REFERENCES game_control.seed_pairs,
    nonce       bigint      NOT NULL CHECK (nonce >= 0),
    player_id   uuid        NOT NULL,
    key         text        NOT NULL CHECK (char_length(key) BETWEEN 1 AND 128),
    round_id    uuid        NOT NULL UNIQUE,
    reserved_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (seed_id, nonce)
);
CREATE INDEX fair_rounds_key ON game_control.fair_rounds (player_id, key);
CREATE FUNCTION game_control.refuse_rewrite() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what rounds were drawn from is kept: % on game_control.% is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON game_control.seed_pairs
    FOR EACH STATEMENT EXECUTE FUNCTION game_control.refuse_rewrite();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON game_control.fair_rounds
    FOR EACH STATEMENT EXECUTE FUNCTION game_control.refuse_rewrite();

CREATE FUNCTION game_control.keep_seed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.seed_id, NEW.player_id, NEW.server_seed) IS DISTINCT FROM (OLD.seed_id, OLD.player_id, OLD.server_seed)
            OR NEW.nonce NOT IN (OLD.nonce, OLD.nonce + 1)
            OR (OLD.client_seed IS NOT NULL AND NEW.client_seed <> OLD.client_seed)
            OR (OLD.state, NEW.state) NOT IN (('next', 'current'), ('current', 'current'), ('current', 'retired'),
                ('retired', 'revealed')) THEN
        RAISE EXCEPTION 'seed % was committed to, and stays as it is', OLD.seed_id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER committed BEFORE UPDATE ON game_control.seed_pairs
    FOR EACH ROW EXECUTE FUNCTION game_control.keep_seed();
