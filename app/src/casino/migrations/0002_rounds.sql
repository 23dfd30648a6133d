-- Rounds that are over as soon as they begin: stake and win in one statement, for as many players as ask at one moment.
-- What is asked together shares a round trip and a commit, which is most of what a bet costs. Every round is judged by
-- itself and answered by itself.

-- A transaction as it stands. A function, so that its month is looked for where there is something to look for.
CREATE FUNCTION wallet.recorded(p_transaction uuid) RETURNS wallet.transactions
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found wallet.transactions;
BEGIN
    SELECT * INTO STRICT found FROM wallet.transactions t WHERE t.transaction_id = p_transaction;
    RETURN found;
END $$;

-- Jackpots are opened (wallet.open_jackpot, 0003) before rounds feed them, so that no bet looks whether one is there.
CREATE FUNCTION wallet.refuse_jackpot() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a round feeds a jackpot that nobody has opened' USING ERRCODE = 'no_data_found';
END $$;

-- Takes arrays of one length, a round at each place, at most one for an account. Answers a row for each, in their
-- order. `outcome` says what became of it; where no money moved:
--   replayed | key_reused | account_unknown | account_not_open | barred | stake_above_limit (stake says the limit)
--   | cycle_too_short (wait_ms says how long) | insufficient_funds
-- and where it did: placed. `details` is there for a replayed round alone: of another, the caller has them.
-- p_stake_caps and p_min_cycles_ms come from rules.json; null means that there is no such limit.
-- p_jackpots and p_contributions say what of a stake a jackpot gets, in millionths of the smallest unit. They add up in
-- the jackpot's row, in this statement; wallet.post_contributions (0003) posts the whole units of many batches at once.
CREATE FUNCTION wallet.place_rounds(
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
BEGIN
    IF (SELECT bool_or(coalesce(stake <= 0 OR win < 0, true)) FROM unnest(p_stakes, p_wins) AS round (stake, win)) THEN
        RAISE EXCEPTION 'a round has a positive stake and no negative win' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    -- The players' rows are the locks: bets of one player follow each other, and a raced key finds the first one's row.
    -- Taken in order, before the jackpots' and those before the house's, so that batches cannot deadlock.
    SELECT array_agg(locked) INTO players FROM (
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
