-- Rounds of several players in one statement: what is asked at one moment shares a round trip and a commit, which is
-- most of what a bet costs. Every round is judged by itself and answered by itself, as wallet.place_round (0001) does
-- it for one; the tests hold the two against one model. For a round alone that function takes two thirds of the time.

-- Takes arrays of one length, a round at each place, at most one for an account. Answers a row for each, in their
-- order. `outcome` says what became of it; where no money moved:
--   replayed | key_reused | account_unknown | account_not_open | stake_above_limit | cycle_too_short
--   (wait_ms says how long) | insufficient_funds
-- and where it did: placed. `details` is there for a replayed round alone: of another, the caller has them.
-- p_stake_caps and p_min_cycles_ms come from rules.json; null means that there is no such limit.
CREATE FUNCTION wallet.place_rounds(
    p_accounts bigint[], p_keys text[], p_hashes bytea[], p_transactions uuid[], p_stakes bigint[], p_wins bigint[],
    p_stake_caps bigint[], p_min_cycles_ms integer[], p_details jsonb[])
RETURNS TABLE (outcome text, transaction_id uuid, stake bigint, win bigint, balance bigint, details jsonb,
               created_at timestamptz, wait_ms integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    players wallet.accounts[];
    at      timestamptz;
BEGIN
    IF (SELECT bool_or(coalesce(stake <= 0 OR win < 0, true)) FROM unnest(p_stakes, p_wins) AS round (stake, win)) THEN
        RAISE EXCEPTION 'a round has a positive stake and no negative win' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    -- The players' rows are the locks: bets of one player follow each other, and a raced key finds the first one's row.
    -- Taken in order, and before the house's one row, so that batches cannot deadlock.
    SELECT array_agg(locked) INTO players FROM (
        SELECT a.* FROM wallet.accounts a
        WHERE a.account_id = ANY (p_accounts) AND a.kind = 'player_cash'
        ORDER BY a.account_id FOR NO KEY UPDATE) AS locked;
    at := clock_timestamp();  -- after the locks were had: now() would be when the waiting began

    -- A statement of its own, since its snapshot has to be younger than the locks.
    RETURN QUERY
    WITH judged AS MATERIALIZED (
        SELECT asked.*, player.balance AS before, player.version, player.currency,
            past.transaction_id AS past_id, past.stake AS past_stake, past.win AS past_win,
            past.balance_after AS past_balance, past.details AS past_details, past.created_at AS past_at,
            CASE WHEN asked.win > 0 THEN 2 ELSE 1 END AS steps,
            CASE
                WHEN player.account_id IS NULL THEN 'account_unknown'
                WHEN past.request_hash <> asked.hash THEN 'key_reused'
                WHEN past.request_hash IS NOT NULL THEN 'replayed'
                WHEN player.status <> 'open' THEN 'account_not_open'
                WHEN asked.stake > asked.stake_cap THEN 'stake_above_limit'
                WHEN at < player.last_bet_at + asked.min_cycle_ms * interval '1 millisecond' THEN 'cycle_too_short'
                WHEN player.balance < asked.stake THEN 'insufficient_funds'
                ELSE 'placed'
            END AS outcome,
            ceil(extract(epoch FROM player.last_bet_at - at) * 1000 + asked.min_cycle_ms) AS wait_ms
        FROM unnest(p_accounts, p_keys, p_hashes, p_transactions, p_stakes, p_wins, p_stake_caps, p_min_cycles_ms,
                p_details) WITH ORDINALITY
            AS asked (account_id, key, hash, id, stake, win, stake_cap, min_cycle_ms, details, place)
        LEFT JOIN unnest(players) AS player USING (account_id)
        LEFT JOIN wallet.transactions past ON past.account_id = asked.account_id AND past.kind = 'round'
            AND past.idempotency_key = asked.key
    ), placed AS MATERIALIZED (
        -- What the house's row has gone through before each round: its balance and its entries.
        SELECT *, sum(stake - win) OVER so_far::bigint - stake + win AS house_moved,
            sum(steps) OVER so_far - steps AS house_steps
        FROM judged WHERE outcome = 'placed' WINDOW so_far AS (PARTITION BY currency ORDER BY place)
    ), moved AS (
        UPDATE wallet.accounts a SET balance = p.before - p.stake + p.win, version = p.version + p.steps,
                last_bet_at = at
        FROM placed p WHERE a.account_id = p.account_id
    ), house AS (
        -- A shard per server process: two batches at the same moment practically never meet on a house row.
        UPDATE wallet.accounts a SET balance = a.balance + t.moved, version = a.version + t.steps
        FROM (SELECT currency, sum(stake - win)::bigint AS moved, sum(steps) AS steps FROM placed GROUP BY currency) AS t
        WHERE a.kind = 'house' AND a.currency = t.currency AND a.shard = (pg_backend_pid() & 63)::smallint
        RETURNING a.account_id, a.currency, a.balance - t.moved AS balance, a.version - t.steps AS version
    ), written AS (
        INSERT INTO wallet.transactions
        SELECT id, 'round', account_id, version + steps, key, hash, currency, stake, win, before - stake + win,
            details, at FROM placed
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
    SELECT j.outcome, coalesce(j.past_id, j.id), coalesce(j.past_stake, j.stake), coalesce(j.past_win, j.win),
        CASE j.outcome WHEN 'replayed' THEN j.past_balance WHEN 'placed' THEN j.before - j.stake + j.win
            ELSE j.before END,
        CASE j.outcome WHEN 'replayed' THEN j.past_details END,
        CASE j.outcome WHEN 'replayed' THEN j.past_at WHEN 'placed' THEN at END,
        -- Cast here alone: for a player who comes back after a month it is no integer.
        CASE j.outcome WHEN 'cycle_too_short' THEN j.wait_ms::integer END
    FROM judged j ORDER BY j.place;
END $$;

-- What never changes once an account is open is checked when it opens, and when somebody tries to change it after all.
-- As a row constraint it was parsed and checked twice with every bet, which took 6 % of one.
ALTER TABLE wallet.accounts DROP CONSTRAINT owner_matches_kind;
CREATE FUNCTION wallet.check_owner() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT (CASE NEW.kind
        WHEN 'player_cash'  THEN NEW.player_id IS NOT NULL AND NEW.provider IS NULL     AND NEW.shard IS NULL
        WHEN 'house'        THEN NEW.player_id IS NULL     AND NEW.provider IS NULL     AND NEW.shard IS NOT NULL
        WHEN 'psp_clearing' THEN NEW.player_id IS NULL     AND NEW.provider IS NOT NULL AND NEW.shard IS NOT NULL
        ELSE false END)
    THEN
        RAISE EXCEPTION 'an account of kind % has another owner than its kind has', NEW.kind
            USING ERRCODE = 'check_violation', CONSTRAINT = 'owner_matches_kind';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER owner_matches_kind BEFORE INSERT OR UPDATE OF kind, player_id, provider, shard ON wallet.accounts
    FOR EACH ROW EXECUTE FUNCTION wallet.check_owner();

DO $$
DECLARE
    app text := current_database() || '_app';
BEGIN
    REVOKE ALL ON FUNCTION wallet.place_rounds, wallet.check_owner FROM PUBLIC;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = app) THEN
        EXECUTE format('GRANT EXECUTE ON FUNCTION wallet.place_rounds TO %I', app);
    END IF;
END $$;
