-- What the casino may still do (ADR 34): one numbered record, written by the process that first sees it, and read by
-- whatever takes a stake or a deposit, or holds a withdrawal, in the call that does.

-- Every record there was, as it was told; a regulator asks when. `acts`: register, deposit, stake, withdraw, and what a
-- newer operator may name. From `play_until` on only `withdraw` of them is left.
CREATE TABLE wallet.operations (
    revision    bigint      PRIMARY KEY CHECK (revision > 0),
    state       text        NOT NULL CHECK (char_length(state) BETWEEN 1 AND 40),
    acts        text[]      NOT NULL CHECK (cardinality(acts) <= 16),
    play_until  timestamptz,
    reason      text        NOT NULL CHECK (char_length(reason) <= 512),
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON wallet.operations
    FOR EACH STATEMENT EXECUTE FUNCTION wallet.refuse_rewrite();

-- The latest one in the form that a bet reads: until when each act is allowed. Always one row; of revision 0 while
-- nothing was told, and everything is allowed.
CREATE TABLE wallet.operation_in_force (
    one            boolean     PRIMARY KEY DEFAULT true CHECK (one),
    revision       bigint      NOT NULL,
    register_until timestamptz NOT NULL,
    deposit_until  timestamptz NOT NULL,
    stake_until    timestamptz NOT NULL,
    withdraw_until timestamptz NOT NULL
);
INSERT INTO wallet.operation_in_force VALUES (true, 0, 'infinity', 'infinity', 'infinity', 'infinity');
CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON wallet.operation_in_force
    FOR EACH STATEMENT EXECUTE FUNCTION wallet.refuse_rewrite();

-- Whether an act is allowed at a moment of the database's clock; an act that nobody knows is not. Who takes a stake or a
-- deposit by it, or holds a withdrawal, has a transaction's id by then, mostly by a row that an earlier statement locked:
-- those who judged by an older record can be waited for (wallet/repository_operation.py).
CREATE FUNCTION wallet.allows(p_act text, p_at timestamptz) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT p_at < CASE p_act WHEN 'register' THEN f.register_until WHEN 'deposit' THEN f.deposit_until
        WHEN 'stake' THEN f.stake_until WHEN 'withdraw' THEN f.withdraw_until END
        FROM wallet.operation_in_force f), false)
$$;

-- Brings a record into force, once. `outcome`: recorded | repeated | revision_older | revision_reused (the same number
-- with other content). `in_force` is what binds after the call, and null while nothing does.
CREATE FUNCTION wallet.operate(
    p_revision bigint, p_state text, p_acts text[], p_play_until timestamptz, p_reason text,
    OUT outcome text, OUT in_force wallet.operations)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    known  bigint;
    acts_  text[] := ARRAY(SELECT DISTINCT act COLLATE "C" FROM unnest(p_acts) AS act ORDER BY act COLLATE "C");
    never  timestamptz := '-infinity';
    closes timestamptz := coalesce(p_play_until, 'infinity');
BEGIN
    -- The row is the lock: of processes that bring records at one moment each sees what the one before it left.
    SELECT f.revision INTO STRICT known FROM wallet.operation_in_force f FOR NO KEY UPDATE;
    IF p_revision > known THEN
        INSERT INTO wallet.operations VALUES (p_revision, p_state, acts_, p_play_until, p_reason);
        UPDATE wallet.operation_in_force f SET revision = p_revision,
            register_until = CASE WHEN 'register' = ANY (acts_) THEN closes ELSE never END,
            deposit_until = CASE WHEN 'deposit' = ANY (acts_) THEN closes ELSE never END,
            stake_until = CASE WHEN 'stake' = ANY (acts_) THEN closes ELSE never END,
            withdraw_until = CASE WHEN 'withdraw' = ANY (acts_) THEN 'infinity' ELSE never END;
        outcome := 'recorded'; known := p_revision;
    END IF;
    SELECT * INTO in_force FROM wallet.operations o WHERE o.revision = known;
    outcome := coalesce(outcome, CASE
        WHEN p_revision < known THEN 'revision_older'
        WHEN (in_force.state, in_force.acts, in_force.play_until, in_force.reason)
            IS NOT DISTINCT FROM (p_state, acts_, p_play_until, p_reason) THEN 'repeated'
        ELSE 'revision_reused' END);
END $$;

-- Which movement is which act. What comes back to a player, or was begun before, is none.
ALTER TABLE wallet.movement_kinds ADD COLUMN act text;
UPDATE wallet.movement_kinds SET act = CASE kind WHEN 'withdrawal_request' THEN 'withdraw' ELSE 'stake' END
    WHERE is_stake OR kind = 'withdrawal_request';

-- ---------------------------------------------------------------------------------------------------------------------
-- The functions that take stakes, hold withdrawals and judge deposits, as before (0002, 0003, 0015, 0018), but for the
-- outcome `casino_closed`, after the key was looked up and before anything of the player is: it is the casino that may
-- not. A deposit that is refused for it violates `casino_closed`.
CREATE OR REPLACE FUNCTION wallet.place_rounds(
    p_accounts bigint[], p_keys text[], p_hashes bytea[], p_transactions uuid[], p_stakes bigint[], p_wins bigint[],
    p_stake_caps bigint[], p_min_cycles_ms integer[], p_details jsonb[],
    p_jackpots text[] DEFAULT NULL, p_contributions bigint[] DEFAULT NULL)
RETURNS TABLE (outcome text, transaction_id uuid, stake bigint, win bigint, balance bigint, details jsonb,
               created_at timestamptz, wait_ms integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    players wallet.accounts[];
    at      timestamptz;
    until_  timestamptz;
    -- Drawn before anything is read: who judges by the record has an id before the snapshot that they judge by.
    drawn   xid8 := pg_current_xact_id();
BEGIN
    IF (SELECT bool_or(coalesce(stake <= 0 OR win < 0, true)) FROM unnest(p_stakes, p_wins) AS round (stake, win)) THEN
        RAISE EXCEPTION 'a round has a positive stake and no negative win' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    -- The players' rows are the locks: bets of one player follow each other, and a raced key finds the first one's row.
    -- Taken in order, before the jackpots' and those before the house's, so that batches cannot deadlock.
    -- What the casino may do is read with them: a statement of its own would be some 10 us more for each batch.
    SELECT array_agg(locked), coalesce((SELECT f.stake_until FROM wallet.operation_in_force f), '-infinity')
        INTO players, until_ FROM (
        SELECT a.* FROM wallet.accounts a
        WHERE a.account_id = ANY (p_accounts) AND a.kind = 'player_cash'
        ORDER BY a.account_id FOR NO KEY UPDATE) AS locked;
    at := clock_timestamp();  -- after the locks were had: now() would be when the waiting began

    -- A statement of its own, since its snapshot has to be younger than the locks.
    RETURN QUERY
    WITH judged AS MATERIALIZED (
        SELECT asked.*, player.balance AS before, player.version, player.currency, past.transaction_id AS past_id,
            CASE WHEN asked.win > 0 THEN 2 ELSE 1 END AS steps, least(asked.stake_cap, player.stake_cap) AS cap,
            CASE
                WHEN player.account_id IS NULL THEN 'account_unknown'
                WHEN past.request_hash <> asked.hash THEN 'key_reused'
                WHEN past.request_hash IS NOT NULL THEN 'replayed'
                WHEN at >= until_ THEN 'casino_closed'
                WHEN player.status <> 'open' THEN 'account_not_open'
                WHEN player.barred_until > at THEN 'barred'
                WHEN asked.stake > least(asked.stake_cap, player.stake_cap) THEN 'stake_above_limit'
                WHEN at < player.last_bet_at + asked.min_cycle_ms * interval '1 millisecond' THEN 'cycle_too_short'
                WHEN player.balance < asked.stake THEN 'insufficient_funds'
                ELSE 'placed'
            END AS outcome,
            ceil(extract(epoch FROM player.last_bet_at - at) * 1000 + asked.min_cycle_ms) AS wait_ms
        FROM unnest(p_accounts, p_keys, p_hashes, p_transactions, p_stakes, p_wins, p_stake_caps, p_min_cycles_ms,
                p_details, p_jackpots, p_contributions) WITH ORDINALITY
            AS asked (account_id, key, hash, id, stake, win, stake_cap, min_cycle_ms, details, jackpot, contribution,
                place)
        LEFT JOIN unnest(players) AS player USING (account_id)
        LEFT JOIN wallet.request_keys past ON past.account_id = asked.account_id AND past.kind = 'round'
            AND past.key = asked.key
    ), placed AS MATERIALIZED (
        -- What the house's row has gone through before each round: its balance and its entries.
        SELECT *, sum(stake - win) OVER so_far::bigint - stake + win AS house_moved,
            sum(steps) OVER so_far - steps AS house_steps, row_number() OVER so_far AS nth
        FROM judged WHERE outcome = 'placed' WINDOW so_far AS (PARTITION BY currency ORDER BY place)
    ), moved AS (
        UPDATE wallet.accounts a SET balance = p.before - p.stake + p.win, version = p.version + p.steps,
                last_bet_at = at
        FROM placed p WHERE a.account_id = p.account_id
    ), owed AS (
        SELECT jackpot, currency, sum(contribution)::bigint AS millionths FROM placed
        WHERE contribution > 0 GROUP BY jackpot, currency ORDER BY jackpot, currency
    ), fed AS (
        UPDATE wallet.accounts a SET carry = a.carry + owed.millionths FROM owed
        WHERE a.kind = 'jackpot' AND a.player_id IS NULL AND a.currency = owed.currency
            AND a.shard = (pg_backend_pid() & 63)::smallint AND coalesce(a.name, '') = owed.jackpot
        RETURNING a.account_id
    ), house AS (
        -- A shard per server process: two batches at the same moment practically never meet on a house row.
        UPDATE wallet.accounts a SET balance = a.balance + t.moved, version = a.version + t.steps,
            links = a.links + t.rounds, head = wallet.fold(a.head, t.contents)
        FROM (
            SELECT currency, sum(stake - win)::bigint AS moved, sum(steps) AS steps, count(*) AS rounds,
                array_agg(wallet.content(id, 'round', account_id, version + steps, currency, stake, win,
                    before - stake + win, at, details, '') ORDER BY place) AS contents
            FROM placed GROUP BY currency) AS t
        WHERE a.kind = 'house' AND a.player_id IS NULL AND a.currency = t.currency
            AND a.shard = (pg_backend_pid() & 63)::smallint AND coalesce(a.name, '') = ''
            -- Read here, so that the jackpots' rows are locked before the house's.
            AND ((SELECT count(*) FROM fed) = (SELECT count(*) FROM owed) OR wallet.refuse_jackpot())
        RETURNING a.account_id, a.currency, a.balance - t.moved AS balance, a.version - t.steps AS version,
            a.links - t.rounds AS links
    ), keyed AS (
        INSERT INTO wallet.request_keys SELECT account_id, 'round', key, hash, id FROM placed
    ), written AS (
        INSERT INTO wallet.transactions
        SELECT id, 'round', p.account_id, p.version + steps, currency, stake, win, before - stake + win,
            h.account_id, h.links + p.nth, details, at
        FROM placed p LEFT JOIN house h USING (currency)
    ), posted AS (
        -- Player: stake out, then win in. House: the mirror image, from where its row was before this round.
        INSERT INTO wallet.postings
        SELECT p.id, leg.number, p.currency, leg.amount,
            leg.debit, leg.debit_version, leg.debit_before, leg.debit_before - leg.amount,
            leg.credit, leg.credit_version, leg.credit_before, leg.credit_before + leg.amount
        -- A left join: where the house's row is missing, NOT NULL refuses the posting and with it the batch.
        FROM placed p LEFT JOIN house h USING (currency), LATERAL (
            VALUES (1, p.stake, p.account_id, p.version + 1, p.before,
                    h.account_id, h.version + p.house_steps + 1, h.balance + p.house_moved),
                   (2, p.win, h.account_id, h.version + p.house_steps + 2, h.balance + p.house_moved + p.stake,
                    p.account_id, p.version + 2, p.before - p.stake)
        ) AS leg (number, amount, debit, debit_version, debit_before, credit, credit_version, credit_before)
        WHERE leg.amount > 0
    )
    SELECT j.outcome, coalesce(j.past_id, j.id),
        CASE j.outcome WHEN 'replayed' THEN (j.past).taken WHEN 'stake_above_limit' THEN j.cap ELSE j.stake END,
        CASE j.outcome WHEN 'replayed' THEN (j.past).given ELSE j.win END,
        CASE j.outcome WHEN 'replayed' THEN (j.past).balance_after WHEN 'placed' THEN j.before - j.stake + j.win
            ELSE j.before END,
        (j.past).details,
        CASE j.outcome WHEN 'replayed' THEN (j.past).created_at WHEN 'placed' THEN at END,
        -- Cast here alone: for a player who comes back after a month it is no integer.
        CASE j.outcome WHEN 'cycle_too_short' THEN j.wait_ms::integer END
    FROM (SELECT *, CASE outcome WHEN 'replayed' THEN wallet.recorded(past_id) END AS past FROM judged OFFSET 0) AS j
    ORDER BY j.place;
END $$;

CREATE OR REPLACE FUNCTION wallet.post(
    p_kind text, p_account bigint, p_key text, p_hash bytea, p_transaction uuid, p_movements wallet.movement[],
    p_details jsonb,
    OUT outcome text, OUT transaction_id uuid, OUT balance bigint, OUT created_at timestamptz, OUT details jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    player  wallet.accounts;
    past    wallet.request_keys;
    rule    record;
    asked   wallet.movement;
    legs    wallet.leg[] := '{}';
    written wallet.transactions;
    broken  text;
BEGIN
    SELECT * INTO player FROM wallet.accounts a
        WHERE a.account_id = p_account AND a.kind = 'player_cash' FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        outcome := 'account_unknown'; RETURN;
    END IF;
    balance := player.balance;
    SELECT * INTO past FROM wallet.request_keys k
        WHERE k.account_id = p_account AND k.kind = p_kind AND k.key = p_key;
    IF FOUND THEN
        outcome := CASE WHEN past.request_hash = p_hash THEN 'replayed' ELSE 'key_reused' END;
        IF outcome = 'replayed' THEN
            SELECT t.transaction_id, t.balance_after, t.created_at, t.details
                INTO STRICT transaction_id, balance, created_at, details
                FROM wallet.transactions t WHERE t.transaction_id = past.transaction_id;
        END IF;
        RETURN;
    END IF;
    SELECT m.*, CASE m.act WHEN 'stake' THEN f.stake_until WHEN 'withdraw' THEN f.withdraw_until END AS until INTO rule
        FROM wallet.movement_kinds m LEFT JOIN wallet.operation_in_force f ON m.act IS NOT NULL WHERE m.kind = p_kind;
    IF NOT FOUND OR cardinality(p_movements) = 0 THEN
        RAISE EXCEPTION 'there is no movement of kind %, or it moves nothing', p_kind USING ERRCODE = 'check_violation';
    END IF;
    created_at := clock_timestamp();
    IF rule.act IS NOT NULL AND coalesce(created_at >= rule.until, true) THEN
        outcome := 'casino_closed'; RETURN;
    END IF;
    IF rule.needs_open AND player.status <> 'open' THEN
        outcome := 'account_not_open'; RETURN;
    END IF;
    IF rule.is_stake AND player.barred_until > created_at THEN
        outcome := 'barred'; RETURN;
    END IF;
    FOREACH asked IN ARRAY p_movements LOOP
        IF NOT EXISTS (SELECT FROM wallet.movements m
                WHERE m.kind = p_kind AND m.debit = asked.debit AND m.credit = asked.credit) THEN
            RAISE EXCEPTION 'a % does not move money from % to %', p_kind, asked.debit, asked.credit
                USING ERRCODE = 'check_violation';
        END IF;
        legs := legs || ROW(
            wallet.side(player.player_id, asked.debit, asked.debit_name, asked.currency),
            wallet.side(player.player_id, asked.credit, asked.credit_name, asked.currency),
            asked.currency, asked.amount)::wallet.leg;
    END LOOP;
    BEGIN
        written := wallet.write(p_kind, p_account, p_transaction, player.currency, legs, p_details, created_at);
    EXCEPTION WHEN check_violation THEN
        -- The balance's constraint alone is an answer; any other check that fails is a fault of the caller's.
        GET STACKED DIAGNOSTICS broken = CONSTRAINT_NAME;
        IF broken <> 'no_negative_player_balance' THEN
            RAISE;
        END IF;
        outcome := 'insufficient_funds'; created_at := NULL; RETURN;
    END;
    INSERT INTO wallet.request_keys VALUES (p_account, p_kind, p_key, p_hash, p_transaction);
    outcome := 'posted'; transaction_id := p_transaction; balance := written.balance_after; details := p_details;
END $$;

CREATE OR REPLACE FUNCTION wallet.judge_deposit() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    player    wallet.accounts;
    at        timestamptz;
    under_way bigint;
BEGIN
    SELECT * INTO player FROM wallet.accounts a WHERE a.account_id = NEW.account_id FOR NO KEY UPDATE;
    at := clock_timestamp();
    IF NOT wallet.allows('deposit', at) THEN
        RAISE EXCEPTION 'no deposit is taken at present'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'casino_closed';
    END IF;
    IF player.status <> 'open' OR EXISTS (SELECT FROM wallet.player_bars b
            WHERE b.account_id = NEW.account_id AND b.deposits AND b.until > at) THEN
        RAISE EXCEPTION 'account % may not deposit', NEW.account_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'player_barred';
    END IF;
    IF EXISTS (SELECT FROM wallet.player_limits l
            WHERE l.account_id = NEW.account_id AND l.kind = 'deposit' AND l.amount IS NOT NULL) THEN
        -- NEW is among them.
        SELECT coalesce(sum(p.amount), 0) INTO under_way FROM wallet.payments p
            WHERE p.account_id = NEW.account_id AND p.kind = 'deposit' AND p.captured = 0
                AND p.state IN ('initiated', 'processing', 'authorized', 'pending_review');
        IF EXISTS (SELECT FROM wallet.player_limits l WHERE l.account_id = NEW.account_id AND l.kind = 'deposit'
                AND CASE WHEN at >= l.ends_at THEN 0 ELSE l.used END + under_way > l.amount) THEN
            RAISE EXCEPTION 'a deposit of account % is above a limit', NEW.account_id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'deposit_limit';
        END IF;
    END IF;
    RETURN NULL;
END $$;
