-- Rounds of several steps (docs/ledger.md): what a round is at and what it has staked are written by one statement.
-- A stake is a hold of kind open_bet (0004) that is part of the round and never expires by itself; a round that is over
-- with its first step is a round like any other (0002).

CREATE TABLE wallet.game_rounds (
    round_id       uuid        PRIMARY KEY,
    account_id     bigint      NOT NULL REFERENCES wallet.accounts,  -- the player's cash account
    game_id        text        NOT NULL CHECK (char_length(game_id) BETWEEN 1 AND 64),
    version        text        NOT NULL CHECK (char_length(version) BETWEEN 1 AND 64),
    status         text        NOT NULL CHECK (status IN ('open', 'closed', 'voided')),
    step           integer     NOT NULL CHECK (step > 0),
    staked         bigint      NOT NULL CHECK (staked > 0),
    won            bigint      NOT NULL DEFAULT 0 CHECK (won >= 0),
    balance_before bigint      NOT NULL,  -- the player's cash before the first stake, and after the last step
    balance_after  bigint      NOT NULL,
    state          jsonb       NOT NULL,  -- the game's own
    draws          jsonb,                 -- of a provably fair round: where it goes on drawing
    started_at     timestamptz NOT NULL,  -- on the casino's clock, by which a game may pay
    stepped_at     timestamptz NOT NULL,
    due_at         timestamptz NOT NULL,  -- when it is ended by rule
    ended_at       timestamptz,
    ended_by       uuid,
    end_reason     text CHECK (char_length(end_reason) BETWEEN 1 AND 200),
    CONSTRAINT ended CHECK ((status = 'open') = (ended_at IS NULL) AND (status = 'open') = (ended_by IS NULL)),
    CONSTRAINT won_when_closed CHECK (status = 'closed' OR won = 0)
) WITH (fillfactor = 70);
-- An interrupted round is gone on with before the game begins another.
CREATE UNIQUE INDEX game_rounds_open ON wallet.game_rounds (account_id, game_id) WHERE status = 'open';
CREATE INDEX game_rounds_due ON wallet.game_rounds (due_at, round_id) WHERE status = 'open';
CREATE INDEX game_rounds_account ON wallet.game_rounds (account_id, round_id DESC);

-- Each step with its request's key, so that a repeat is answered as before. `state` leaves out the steps before it.
CREATE TABLE wallet.game_round_steps (
    round_id     uuid        NOT NULL,
    step         integer     NOT NULL CHECK (step > 0),
    account_id   bigint      NOT NULL,
    key          text        NOT NULL CHECK (char_length(key) BETWEEN 1 AND 160),
    request_hash bytea       NOT NULL CHECK (octet_length(request_hash) = 32),
    action       jsonb       NOT NULL,  -- the choices of the first, the action of every other
    stake        bigint      NOT NULL CHECK (stake >= 0),
    won          bigint      NOT NULL CHECK (won >= 0),
    closed       boolean     NOT NULL,
    balance      bigint      NOT NULL,
    state        jsonb       NOT NULL,
    at           timestamptz NOT NULL,
    PRIMARY KEY (round_id, step),
    UNIQUE (account_id, key)
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON wallet.game_round_steps
    FOR EACH STATEMENT EXECUTE FUNCTION wallet.refuse_rewrite();
CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON wallet.game_rounds
    FOR EACH STATEMENT EXECUTE FUNCTION wallet.refuse_rewrite();

CREATE FUNCTION wallet.end_round_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status <> 'open' OR NEW.step <> OLD.step + (NEW.status <> 'voided')::integer OR NEW.staked < OLD.staked
            OR (NEW.round_id, NEW.account_id, NEW.game_id, NEW.version, NEW.balance_before, NEW.started_at)
            IS DISTINCT FROM
            (OLD.round_id, OLD.account_id, OLD.game_id, OLD.version, OLD.balance_before, OLD.started_at) THEN
        RAISE EXCEPTION 'round % is over, or does not go on like this', OLD.round_id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER ends_once BEFORE UPDATE ON wallet.game_rounds FOR EACH ROW EXECUTE FUNCTION wallet.end_round_once();

-- One step of a round: p_seen is the step that the game was at when p_state was worked out from it; 0 starts a round.
-- Takes p_stake and writes p_state; where p_closes, stakes go to the house and p_win comes to the player. `outcome`:
--   stepped | replayed | key_reused | round_unknown | round_over | step_passed | round_open (`game` says which is)
--   | too_late | account_unknown | account_not_open | barred | stake_above_limit (`amount` says the limit)
--   | cycle_too_short (`amount` says for how many milliseconds) | insufficient_funds
-- p_before: not after that moment on the database's clock; null sets no end. A step without a stake is taken on an
-- account that may not stake: what was begun is the player's to end.
CREATE FUNCTION wallet.step_round(
    p_round uuid, p_account bigint, p_seen integer, p_key text, p_hash bytea, p_action jsonb, p_stake bigint,
    p_closes boolean, p_win bigint, p_state jsonb, p_draws jsonb, p_stake_cap bigint, p_min_cycle_ms integer,
    p_at timestamptz, p_due_at timestamptz, p_before timestamptz, p_reason text,
    OUT outcome text, OUT balance bigint, OUT amount bigint, OUT game wallet.game_rounds,
    OUT stepped wallet.game_round_steps)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    player    wallet.accounts;
    reference text := concat('game round ', p_round);
    told      jsonb := jsonb_build_object('game_id', p_state -> 'game_id', 'version', p_state -> 'version',
        'round_id', p_round, 'step', p_seen + 1);
    cap       bigint;
    at        timestamptz;
    moved     record;
    ender     uuid;
BEGIN
    IF p_stake < 0 OR p_win < 0 OR p_seen < 0 OR (p_seen = 0 AND p_stake = 0) OR (p_win > 0 AND NOT p_closes) THEN
        RAISE EXCEPTION 'a round starts with a stake, and pays when it is over'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    -- The player's row is the lock: steps of one player follow each other, and a raced key finds the first one's row.
    SELECT * INTO player FROM wallet.accounts a
        WHERE a.account_id = p_account AND a.kind = 'player_cash' FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        outcome := 'account_unknown'; RETURN;
    END IF;
    at := clock_timestamp();
    balance := player.balance;
    cap := least(p_stake_cap, player.stake_cap);
    SELECT * INTO stepped FROM wallet.game_round_steps s WHERE s.account_id = p_account AND s.key = p_key;
    IF FOUND THEN
        SELECT * INTO STRICT game FROM wallet.game_rounds r WHERE r.round_id = stepped.round_id;
        outcome := CASE WHEN stepped.request_hash = p_hash THEN 'replayed' ELSE 'key_reused' END;
        RETURN;
    END IF;
    IF p_seen = 0 THEN
        SELECT * INTO game FROM wallet.game_rounds r
            WHERE r.account_id = p_account AND r.game_id = p_state ->> 'game_id' AND r.status = 'open';
        IF FOUND THEN
            outcome := 'round_open'; RETURN;
        END IF;
    ELSE
        SELECT * INTO game FROM wallet.game_rounds r WHERE r.round_id = p_round AND r.account_id = p_account;
        outcome := CASE WHEN NOT FOUND THEN 'round_unknown' WHEN game.status <> 'open' THEN 'round_over'
            WHEN game.step <> p_seen THEN 'step_passed' END;
        IF outcome IS NOT NULL THEN
            RETURN;
        END IF;
    END IF;
    IF p_stake > 0 THEN
        outcome := CASE WHEN player.status <> 'open' THEN 'account_not_open' WHEN player.barred_until > at THEN 'barred'
            WHEN p_stake > cap THEN 'stake_above_limit' END;
    END IF;
    IF outcome IS NULL AND at < player.last_bet_at + p_min_cycle_ms * interval '1 millisecond' THEN
        outcome := 'cycle_too_short';
        amount := ceil(extract(epoch FROM player.last_bet_at - at) * 1000 + p_min_cycle_ms);
    END IF;
    outcome := coalesce(outcome, CASE WHEN p_stake > player.balance THEN 'insufficient_funds'
        WHEN at > p_before OR EXISTS (SELECT FROM wallet.game_rounds r WHERE p_seen = 0 AND r.round_id = p_round)
            THEN 'too_late' END);
    IF outcome IS NOT NULL THEN
        amount := CASE outcome WHEN 'stake_above_limit' THEN cap ELSE amount END;
        RETURN;
    END IF;

    IF p_seen = 0 AND p_closes THEN
        SELECT r.* INTO STRICT moved FROM wallet.place_rounds(ARRAY[p_account], ARRAY[reference], ARRAY[p_hash],
            ARRAY[p_round], ARRAY[p_stake], ARRAY[p_win], ARRAY[p_stake_cap], ARRAY[NULL::integer],
            ARRAY[p_state || jsonb_build_object('round_id', p_round)]) AS r;
        IF moved.outcome <> 'placed' THEN
            RAISE EXCEPTION 'round % is %', p_round, moved.outcome USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        ender := p_round; balance := moved.balance;
    ELSE
        IF p_stake > 0 THEN
            SELECT * INTO STRICT moved FROM wallet.open_hold('open_bet', gen_random_uuid(), p_account,
                concat(reference, ' ', p_seen + 1), p_hash, reference, wallet.uuid7(at), p_stake, 'infinity',
                p_stake_cap, told);
            IF moved.outcome <> 'opened' THEN
                RAISE EXCEPTION 'step % of round % is %', p_seen + 1, p_round, moved.outcome
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            balance := moved.balance;
        END IF;
        IF p_closes THEN
            SELECT * INTO STRICT moved FROM wallet.resolve_holds('open_bet', p_account, reference, NULL, reference,
                p_hash, wallet.uuid7(), 'captured', NULL, p_win, p_state || jsonb_build_object('round_id', p_round));
            IF moved.outcome <> 'resolved' OR moved.amount <> game.staked + p_stake THEN
                RAISE EXCEPTION 'round % has % staked, and % is held', p_round, game.staked + p_stake, moved.amount
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            ender := moved.transaction_id; balance := moved.balance;
        END IF;
    END IF;
    IF p_min_cycle_ms IS NOT NULL AND p_stake = 0 THEN
        UPDATE wallet.accounts a SET last_bet_at = at WHERE a.account_id = p_account;
    END IF;

    IF p_seen = 0 THEN
        INSERT INTO wallet.game_rounds VALUES (p_round, p_account, p_state ->> 'game_id', p_state ->> 'version',
            CASE WHEN p_closes THEN 'closed' ELSE 'open' END, 1, p_stake, p_win, player.balance, balance, p_state,
            p_draws, p_at, p_at, p_due_at, CASE WHEN p_closes THEN p_at END, ender, p_reason)
            RETURNING * INTO game;
    ELSE
        UPDATE wallet.game_rounds r SET status = CASE WHEN p_closes THEN 'closed' ELSE 'open' END, step = p_seen + 1,
                staked = r.staked + p_stake, won = p_win, balance_after = step_round.balance, state = p_state,
                draws = p_draws, stepped_at = p_at, due_at = p_due_at,
                ended_at = CASE WHEN p_closes THEN p_at END, ended_by = ender, end_reason = p_reason
            WHERE r.round_id = p_round RETURNING r.* INTO game;
    END IF;
    INSERT INTO wallet.game_round_steps VALUES (p_round, p_seen + 1, p_account, p_key, p_hash, p_action, p_stake, p_win,
        p_closes, balance, p_state - 'steps', p_at) RETURNING * INTO stepped;
    outcome := 'stepped';
END $$;

-- Ends an open round without a result: every stake goes back. `outcome`: voided | replayed | round_unknown | round_over
CREATE FUNCTION wallet.void_round(
    p_round uuid, p_reason text, p_by uuid, p_at timestamptz, OUT outcome text, OUT game wallet.game_rounds)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    reference text := concat('game round ', p_round);
    moved     record;
BEGIN
    SELECT * INTO game FROM wallet.game_rounds r WHERE r.round_id = p_round;
    IF NOT FOUND THEN
        outcome := 'round_unknown'; RETURN;
    END IF;
    PERFORM FROM wallet.accounts a WHERE a.account_id = game.account_id FOR NO KEY UPDATE;
    SELECT * INTO STRICT game FROM wallet.game_rounds r WHERE r.round_id = p_round;
    IF game.status <> 'open' THEN
        outcome := CASE game.status WHEN 'voided' THEN 'replayed' ELSE 'round_over' END; RETURN;
    END IF;
    SELECT * INTO STRICT moved FROM wallet.resolve_holds('open_bet', game.account_id, reference, NULL, reference,
        sha256(convert_to(reference, 'UTF8')), wallet.uuid7(), 'released', NULL, 0,
        jsonb_build_object('game_id', game.game_id, 'version', game.version, 'round_id', p_round, 'reason', p_reason,
            'by', p_by));
    IF moved.outcome <> 'resolved' OR moved.amount <> game.staked THEN
        RAISE EXCEPTION 'round % has % staked, and % is held', p_round, game.staked, moved.amount
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    UPDATE wallet.game_rounds r SET status = 'voided', balance_after = moved.balance, ended_at = p_at,
            ended_by = moved.transaction_id, end_reason = p_reason
        WHERE r.round_id = p_round RETURNING r.* INTO game;
    outcome := 'voided';
END $$;
