-- Deposits: what was asked of a payment service provider, and what became of it.
CREATE TABLE wallet.deposits (
    deposit_id      uuid        PRIMARY KEY,
    account_id      bigint      NOT NULL REFERENCES wallet.accounts,
    idempotency_key text        NOT NULL CHECK (char_length(idempotency_key) BETWEEN 1 AND 128),
    request_hash    bytea       NOT NULL CHECK (octet_length(request_hash) = 32),
    provider        text        NOT NULL,
    amount          bigint      NOT NULL CHECK (amount > 0),
    currency        text        NOT NULL,
    status          text        NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'captured', 'declined')),
    decline_code    text,
    payment_id      text,       -- the provider's name for it
    transaction_id  uuid,
    balance_after   bigint,
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    settled_at      timestamptz,
    UNIQUE (account_id, idempotency_key),
    CONSTRAINT captured_has_a_posting CHECK ((status = 'captured') = (transaction_id IS NOT NULL))
);
CREATE INDEX deposits_pending ON wallet.deposits (created_at) WHERE status = 'pending';

-- Take note of a deposit before the provider hears of it. With a known key the old row comes back:
-- outcome is begun | known | key_reused | account_not_open.
CREATE FUNCTION wallet.begin_deposit(
    p_deposit uuid, p_account bigint, p_key text, p_hash bytea, p_provider text, p_amount bigint,
    OUT outcome text, OUT deposit wallet.deposits)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    player wallet.accounts;
BEGIN
    SELECT * INTO player FROM wallet.accounts a
        WHERE a.account_id = p_account AND a.kind = 'player_cash' FOR NO KEY UPDATE;
    SELECT * INTO deposit FROM wallet.deposits d WHERE d.account_id = p_account AND d.idempotency_key = p_key;
    IF FOUND THEN
        outcome := CASE WHEN deposit.request_hash = p_hash THEN 'known' ELSE 'key_reused' END;
    ELSIF player.status IS DISTINCT FROM 'open' THEN
        outcome := 'account_not_open';
    ELSE
        INSERT INTO wallet.deposits (deposit_id, account_id, idempotency_key, request_hash, provider, amount, currency)
            VALUES (p_deposit, p_account, p_key, p_hash, p_provider, p_amount, player.currency)
            RETURNING * INTO deposit;
        outcome := 'begun';
    END IF;
END $$;

-- The provider has the money: post it, exactly once however often this is called. Answers the deposit's row.
-- A deposit that was given up ('not_received') and turns up after all is posted too: the money is the player's.
CREATE FUNCTION wallet.capture_deposit(p_deposit uuid, p_transaction uuid, p_payment text) RETURNS wallet.deposits
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    deposit wallet.deposits;
    posted  record;
BEGIN
    SELECT * INTO STRICT deposit FROM wallet.deposits d WHERE d.deposit_id = p_deposit;
    -- The player's account first, as everywhere; then what may have been captured meanwhile is seen.
    PERFORM FROM wallet.accounts a WHERE a.account_id = deposit.account_id FOR NO KEY UPDATE;
    SELECT * INTO STRICT deposit FROM wallet.deposits d WHERE d.deposit_id = p_deposit FOR UPDATE;
    IF deposit.status = 'captured' THEN
        RETURN deposit;
    END IF;
    IF deposit.status = 'declined' AND deposit.decline_code <> 'not_received' THEN
        RAISE EXCEPTION 'deposit % was declined by its provider and cannot be captured', p_deposit
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    SELECT * INTO STRICT posted FROM wallet.post('deposit', deposit.account_id, p_deposit::text, deposit.request_hash,
        p_transaction, ARRAY[ROW('psp_clearing', deposit.provider, 'player_cash', NULL, deposit.currency,
            deposit.amount)::wallet.movement],
        jsonb_build_object('deposit_id', p_deposit, 'provider', deposit.provider, 'payment_id', p_payment));
    UPDATE wallet.deposits d SET status = 'captured', decline_code = NULL, payment_id = p_payment,
            transaction_id = posted.transaction_id, balance_after = posted.balance, settled_at = posted.created_at
        WHERE d.deposit_id = p_deposit RETURNING * INTO deposit;
    RETURN deposit;
END $$;

-- The provider refused, or (code 'not_received') never heard of it. A deposit that is no longer pending stays as it is.
CREATE FUNCTION wallet.decline_deposit(p_deposit uuid, p_code text, p_payment text) RETURNS wallet.deposits
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    deposit wallet.deposits;
BEGIN
    SELECT * INTO STRICT deposit FROM wallet.deposits d WHERE d.deposit_id = p_deposit FOR UPDATE;
    IF deposit.status = 'pending' THEN
        UPDATE wallet.deposits d SET status = 'declined', decline_code = p_code, payment_id = p_payment,
                settled_at = clock_timestamp()
            WHERE d.deposit_id = p_deposit RETURNING * INTO deposit;
    END IF;
    RETURN deposit;
END $$;
