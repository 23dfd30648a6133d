-- Settles a round of many players at once: what wallet.resolve_holds does to captured bets one by one, as a set.

-- Takes arrays of one length, a player at each place and each at most once, and what all of them staked on: the open
-- bets of p_part_of are captured, and each player's win comes in the same transaction. Answers a row for each, in their
-- order. `outcome`: resolved | replayed | key_reused | account_unknown | nothing_open | amount_differs; of a replayed one,
-- amount is null. p_amounts says what each player's bets should come to, so that nothing is captured that the game does
-- not know of; null asks for whatever is open.
-- Locks are taken as everywhere: cash accounts by number, the players' stakes by number, the house's rows at last.
-- Whoever locks a player's stakes has their cash account already, so that no two can wait for each other.
CREATE FUNCTION wallet.settle_bets(
    p_part_of text, p_accounts bigint[], p_keys text[], p_hashes bytea[], p_transactions uuid[], p_amounts bigint[],
    p_wins bigint[], p_details jsonb[])
RETURNS TABLE (outcome text, transaction_id uuid, amount bigint, balance bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    at timestamptz;
BEGIN
    IF (SELECT bool_or(coalesce(win < 0, true)) OR count(*) <> count(DISTINCT account)
            FROM unnest(p_accounts, p_wins) AS settled (account, win)) THEN
        RAISE EXCEPTION 'a settlement names each player once, and no negative win'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM FROM wallet.accounts a
        WHERE a.account_id = ANY (p_accounts) AND a.kind = 'player_cash'
        ORDER BY a.account_id FOR NO KEY UPDATE;
    PERFORM FROM wallet.accounts cash
        JOIN wallet.accounts stakes ON stakes.player_id = cash.player_id AND stakes.kind = 'player_stakes'
            AND stakes.currency = cash.currency
        WHERE cash.account_id = ANY (p_accounts) AND cash.kind = 'player_cash'
        ORDER BY stakes.account_id FOR NO KEY UPDATE OF stakes;
    at := clock_timestamp();

    -- A statement of its own, since its snapshot has to be younger than the locks. The arrays are joined to tables
    -- alone, by their indexes, and never to each other: a plan made for ten players is as good for ten thousand.
    RETURN QUERY
    WITH judged AS MATERIALIZED (
        SELECT asked.*, cash.currency, cash.balance AS cash_before, cash.version AS cash_version,
            stakes.account_id AS stakes_id, stakes.balance AS stakes_before, stakes.version AS stakes_version,
            held.amount, past.transaction_id AS past_id,
            CASE
                WHEN cash.account_id IS NULL THEN 'account_unknown'
                WHEN past.request_hash <> asked.hash THEN 'key_reused'
                WHEN past.request_hash IS NOT NULL THEN 'replayed'
                WHEN held.amount IS NULL THEN 'nothing_open'
                WHEN held.amount <> asked.expected THEN 'amount_differs'
                ELSE 'resolved'
            END AS outcome
        FROM unnest(p_accounts, p_keys, p_hashes, p_transactions, p_amounts, p_wins, p_details)
            WITH ORDINALITY AS asked (account_id, key, hash, id, expected, win, details, place)
        LEFT JOIN wallet.accounts cash ON cash.account_id = asked.account_id AND cash.kind = 'player_cash'
        LEFT JOIN wallet.accounts stakes ON stakes.player_id = cash.player_id AND stakes.kind = 'player_stakes'
            AND stakes.currency = cash.currency
        LEFT JOIN wallet.request_keys past ON past.account_id = asked.account_id AND past.kind = 'bet_settled'
            AND past.key = asked.key
        LEFT JOIN LATERAL (
            SELECT sum(h.amount)::bigint AS amount FROM wallet.holds h
            WHERE h.account_id = asked.account_id AND h.kind = 'open_bet' AND h.part_of = p_part_of
                AND h.status = 'open') AS held ON true
    ), settled AS MATERIALIZED (
        -- What the house's row has gone through before each settlement: its balance and its entries.
        SELECT *, CASE WHEN win > 0 THEN 1 ELSE 0 END AS wins,
            sum(amount - win) OVER so_far::bigint - amount + win AS house_moved,
            sum(CASE WHEN win > 0 THEN 2 ELSE 1 END) OVER so_far - CASE WHEN win > 0 THEN 2 ELSE 1 END AS house_steps,
            row_number() OVER so_far AS nth
        FROM judged WHERE outcome = 'resolved' WINDOW so_far AS (PARTITION BY currency ORDER BY place)
    ), paid AS (
        UPDATE wallet.accounts a SET balance = s.cash_before + s.win, version = s.cash_version + 1
        FROM settled s WHERE a.account_id = s.account_id AND s.win > 0
    ), taken AS (
        UPDATE wallet.accounts a SET balance = s.stakes_before - s.amount, version = s.stakes_version + 1
        FROM settled s WHERE a.account_id = s.stakes_id
    ), ended AS (
        UPDATE wallet.holds h SET status = 'captured', resolved_by = s.id, resolved_at = at
        FROM settled s WHERE h.account_id = s.account_id AND h.kind = 'open_bet' AND h.part_of = p_part_of
            AND h.status = 'open'
    ), mine AS MATERIALIZED (
        SELECT a.account_id, a.currency FROM wallet.accounts a
        WHERE a.kind = 'house' AND a.player_id IS NULL AND a.shard = (pg_backend_pid() & 63)::smallint
            AND coalesce(a.name, '') = '' AND a.currency IN (SELECT currency FROM settled)
    ), house AS (
        UPDATE wallet.accounts a SET balance = a.balance + t.moved, version = a.version + t.steps,
            links = a.links + t.settlements, head = wallet.fold(a.head, t.contents)
        FROM (
            SELECT mine.account_id, sum(amount - win)::bigint AS moved, sum(1 + wins) AS steps,
                count(*) AS settlements,
                array_agg(wallet.content(id, 'bet_settled', s.account_id, cash_version + wins, currency, amount, win,
                    cash_before + win, at, details, concat(stakes_id, '>', mine.account_id, ':', amount, ' ',
                        CASE WHEN win > 0 THEN concat(mine.account_id, '>', s.account_id, ':', win, ' ') END))
                    ORDER BY place) AS contents
            FROM settled s JOIN mine USING (currency) GROUP BY mine.account_id) AS t
        WHERE a.account_id = t.account_id
        RETURNING a.account_id, a.currency, a.balance - t.moved AS balance, a.version - t.steps AS version,
            a.links - t.settlements AS links
    ), keyed AS (
        INSERT INTO wallet.request_keys SELECT account_id, 'bet_settled', key, hash, id FROM settled
    ), written AS (
        INSERT INTO wallet.transactions
        SELECT id, 'bet_settled', s.account_id, cash_version + wins, currency, amount, win, cash_before + win,
            h.account_id, h.links + s.nth, details, at
        FROM settled s LEFT JOIN house h USING (currency)
    ), posted AS (
        -- The stakes go to the house, then the win comes from it.
        INSERT INTO wallet.postings
        SELECT s.id, leg.number, s.currency, leg.amount,
            leg.debit, leg.debit_version, leg.debit_before, leg.debit_before - leg.amount,
            leg.credit, leg.credit_version, leg.credit_before, leg.credit_before + leg.amount
        -- A left join: where the house's row is missing, NOT NULL refuses the posting and with it the batch.
        FROM settled s LEFT JOIN house h USING (currency), LATERAL (
            VALUES (1, s.amount, s.stakes_id, s.stakes_version + 1, s.stakes_before,
                    h.account_id, h.version + s.house_steps + 1, h.balance + s.house_moved),
                   (2, s.win, h.account_id, h.version + s.house_steps + 2, h.balance + s.house_moved + s.amount,
                    s.account_id, s.cash_version + 1, s.cash_before)
        ) AS leg (number, amount, debit, debit_version, debit_before, credit, credit_version, credit_before)
        WHERE leg.amount > 0
    )
    SELECT j.outcome, coalesce(j.past_id, CASE j.outcome WHEN 'resolved' THEN j.id END),
        CASE WHEN j.outcome IN ('resolved', 'amount_differs') THEN j.amount END,
        CASE j.outcome WHEN 'replayed' THEN (j.past).balance_after WHEN 'resolved' THEN j.cash_before + j.win
            ELSE j.cash_before END
    FROM (SELECT *, CASE outcome WHEN 'replayed' THEN wallet.recorded(past_id) END AS past FROM judged OFFSET 0) AS j
    ORDER BY j.place;
END $$;
