-- Play that spans calls (docs/studios.md): the bets and wins of a round come one by one, late, again, and out of order.
-- A bet is a hold of kind open_bet (0004); what ends, pays and takes back is here, each in one statement.

-- Pays a win and, where p_closes, ends what is staked in its round. `outcome`:
--   resolved | posted | replayed | nothing_moved | key_reused | account_unknown
-- A round that is over, or had nothing staked, is paid all the same: what was won is the player's, however late.
CREATE FUNCTION wallet.pay_win(
    p_account bigint, p_part_of text, p_key text, p_hash bytea, p_transaction uuid, p_win bigint, p_closes boolean,
    p_details jsonb,
    OUT outcome text, OUT transaction_id uuid, OUT balance bigint, OUT details jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    player wallet.accounts;
    past   text;
    paid   record;
BEGIN
    SELECT * INTO player FROM wallet.accounts a
        WHERE a.account_id = p_account AND a.kind = 'player_cash' FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        outcome := 'account_unknown'; RETURN;
    END IF;
    balance := player.balance;
    -- As which of the two it was paid before: a bet that came in between must not make the other of it.
    SELECT k.kind INTO past FROM wallet.request_keys k
        WHERE k.account_id = p_account AND k.kind IN ('win', 'bet_settled') AND k.key = p_key;
    IF coalesce(past = 'bet_settled', p_closes) THEN
        SELECT * INTO paid FROM wallet.resolve_holds('open_bet', p_account, p_part_of, NULL, p_key, p_hash,
            p_transaction, 'captured', NULL, p_win, p_details);
        IF paid.outcome <> 'nothing_open' THEN
            outcome := paid.outcome; transaction_id := paid.transaction_id; balance := paid.balance;
            details := paid.details;
            RETURN;
        END IF;
    END IF;
    IF p_win = 0 AND past IS NULL THEN
        outcome := 'nothing_moved'; RETURN;
    END IF;
    SELECT * INTO paid FROM wallet.post('win', p_account, p_key, p_hash, p_transaction,
        ARRAY[ROW('house', NULL, 'player_cash', NULL, player.currency, p_win)::wallet.movement], p_details);
    outcome := paid.outcome; transaction_id := paid.transaction_id; balance := paid.balance; details := paid.details;
END $$;

-- Gives one bet back, before its round is over or after. `outcome`:
--   resolved | posted | replayed | bet_unknown | account_unknown
-- The bet's own key is the request's: it comes back once, whoever asks and under whatever name.
CREATE FUNCTION wallet.void_bet(
    p_account bigint, p_reference text, p_transaction uuid, p_details jsonb,
    OUT outcome text, OUT transaction_id uuid, OUT amount bigint, OUT balance bigint, OUT details jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    player wallet.accounts;
    held   wallet.holds;
    hash   bytea := sha256(convert_to(p_reference, 'UTF8'));
    given  record;
BEGIN
    SELECT * INTO player FROM wallet.accounts a
        WHERE a.account_id = p_account AND a.kind = 'player_cash' FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        outcome := 'account_unknown'; RETURN;
    END IF;
    balance := player.balance;
    SELECT * INTO held FROM wallet.holds h
        WHERE h.account_id = p_account AND h.kind = 'open_bet' AND h.reference = p_reference;
    IF NOT FOUND THEN
        outcome := 'bet_unknown'; RETURN;
    END IF;
    amount := held.amount;
    IF held.status IN ('released', 'expired') THEN
        outcome := 'replayed'; transaction_id := held.resolved_by; RETURN;
    END IF;
    IF held.status = 'open' THEN
        SELECT * INTO given FROM wallet.resolve_holds('open_bet', p_account, held.part_of, p_reference, p_reference,
            hash, p_transaction, 'released', NULL, 0, p_details);
    ELSE
        SELECT * INTO given FROM wallet.post('bet_return', p_account, p_reference, hash, p_transaction,
            ARRAY[ROW('house', NULL, 'player_cash', NULL, player.currency, amount)::wallet.movement], p_details);
    END IF;
    outcome := given.outcome; transaction_id := given.transaction_id; balance := given.balance;
    details := given.details;
END $$;

-- Takes a win back, once. `outcome`: posted | replayed | nothing_moved | win_unknown | insufficient_funds |
-- account_unknown. Refused where the player has not that much any more: no player's account falls below zero.
CREATE FUNCTION wallet.void_win(
    p_account bigint, p_key text, p_transaction uuid, p_details jsonb,
    OUT outcome text, OUT transaction_id uuid, OUT amount bigint, OUT balance bigint, OUT details jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    player wallet.accounts;
    won    uuid;
    taken  record;
BEGIN
    SELECT * INTO player FROM wallet.accounts a
        WHERE a.account_id = p_account AND a.kind = 'player_cash' FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        outcome := 'account_unknown'; RETURN;
    END IF;
    balance := player.balance;
    SELECT k.transaction_id INTO won FROM wallet.request_keys k
        WHERE k.account_id = p_account AND k.kind IN ('win', 'bet_settled') AND k.key = p_key;
    IF NOT FOUND THEN
        outcome := 'win_unknown'; RETURN;
    END IF;
    SELECT sum(p.amount) INTO amount FROM wallet.postings p
        WHERE p.transaction_id = won AND p.credit_account = p_account;
    IF amount IS NULL THEN
        amount := 0; outcome := 'nothing_moved'; RETURN;
    END IF;
    SELECT * INTO taken FROM wallet.post('win_reversal', p_account, p_key, sha256(convert_to(p_key, 'UTF8')),
        p_transaction, ARRAY[ROW('player_cash', NULL, 'house', NULL, player.currency, amount)::wallet.movement],
        p_details);
    outcome := taken.outcome; transaction_id := taken.transaction_id; balance := taken.balance;
    details := taken.details;
END $$;
