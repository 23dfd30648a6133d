-- Holds: money that is set aside for something that is not over, and resolved at most once.

-- What a kind of hold moves, when: into `account` as it opens; on to `captured_to` or back as it is resolved. One
-- without an account only notes what somebody else holds, as a card's bank does for an authorisation.
CREATE TABLE wallet.hold_kinds (
    kind        text PRIMARY KEY,
    account     text REFERENCES wallet.account_kinds,
    opens       text,
    captured_to text REFERENCES wallet.account_kinds,
    captures    text,
    releases    text
);
INSERT INTO wallet.hold_kinds VALUES
    ('open_bet',          'player_stakes',     'bet',                'house',        'bet_settled',     'bet_void'),
    ('withdrawal',        'player_withdrawal', 'withdrawal_request', 'psp_clearing', 'withdrawal_paid', 'withdrawal_release'),
    ('psp_authorisation', NULL,                NULL,                 NULL,           NULL,              NULL);

CREATE TABLE wallet.holds (
    hold_id     uuid        PRIMARY KEY,
    kind        text        NOT NULL REFERENCES wallet.hold_kinds,
    account_id  bigint      NOT NULL REFERENCES wallet.accounts,  -- the player's cash account
    reference   text        NOT NULL CHECK (char_length(reference) BETWEEN 1 AND 128),
    part_of     text        NOT NULL CHECK (char_length(part_of) BETWEEN 1 AND 128),  -- a round, a withdrawal
    currency    text        NOT NULL,
    amount      bigint      NOT NULL CHECK (amount > 0),
    status      text        NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'captured', 'released', 'expired')),
    expires_at  timestamptz NOT NULL,
    opened_by   uuid,
    resolved_by uuid,
    opened_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    resolved_at timestamptz,
    CONSTRAINT once UNIQUE (account_id, kind, reference),
    CONSTRAINT resolved_once CHECK ((status = 'open') = (resolved_at IS NULL))
);
CREATE INDEX holds_open ON wallet.holds (expires_at) WHERE status = 'open';
CREATE INDEX holds_part_of ON wallet.holds (account_id, kind, part_of) WHERE status = 'open';

CREATE FUNCTION wallet.resolve_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status <> 'open' OR (NEW.hold_id, NEW.kind, NEW.account_id, NEW.reference, NEW.part_of, NEW.amount)
            IS DISTINCT FROM (OLD.hold_id, OLD.kind, OLD.account_id, OLD.reference, OLD.part_of, OLD.amount) THEN
        RAISE EXCEPTION 'hold % is resolved, and stays as it is', OLD.hold_id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER resolved_once BEFORE UPDATE ON wallet.holds FOR EACH ROW EXECUTE FUNCTION wallet.resolve_once();
CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON wallet.holds
    FOR EACH STATEMENT EXECUTE FUNCTION wallet.refuse_rewrite();

-- Sets p_amount of the player's cash aside. `outcome`: opened | replayed | key_reused | and the refusals of wallet.post.
-- p_reference is what the hold is known by; it is also the request's key.
CREATE FUNCTION wallet.open_hold(
    p_kind text, p_hold uuid, p_account bigint, p_reference text, p_hash bytea, p_part_of text, p_transaction uuid,
    p_amount bigint, p_expires_at timestamptz, p_stake_cap bigint, p_details jsonb,
    OUT outcome text, OUT transaction_id uuid, OUT balance bigint, OUT details jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    rule   wallet.hold_kinds;
    player wallet.accounts;
    posted record;
BEGIN
    SELECT * INTO STRICT rule FROM wallet.hold_kinds k WHERE k.kind = p_kind;
    SELECT * INTO player FROM wallet.accounts a
        WHERE a.account_id = p_account AND a.kind = 'player_cash' FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        outcome := 'account_unknown'; RETURN;
    END IF;
    balance := player.balance;
    IF rule.account IS NULL THEN
        INSERT INTO wallet.holds (hold_id, kind, account_id, reference, part_of, currency, amount, expires_at)
            VALUES (p_hold, p_kind, p_account, p_reference, p_part_of, player.currency, p_amount, p_expires_at)
            ON CONFLICT DO NOTHING;
        outcome := CASE WHEN FOUND THEN 'opened' ELSE 'replayed' END;
        RETURN;
    END IF;
    IF p_kind = 'open_bet' AND p_amount > least(p_stake_cap, player.stake_cap) AND NOT EXISTS (
            SELECT FROM wallet.holds h WHERE h.account_id = p_account AND h.kind = p_kind AND h.reference = p_reference)
    THEN
        outcome := 'stake_above_limit'; RETURN;
    END IF;
    SELECT * INTO posted FROM wallet.post(rule.opens, p_account, p_reference, p_hash, p_transaction,
        ARRAY[ROW('player_cash', NULL, rule.account, NULL, player.currency, p_amount)::wallet.movement], p_details);
    outcome := posted.outcome; transaction_id := posted.transaction_id; balance := posted.balance;
    details := posted.details;
    IF outcome = 'posted' THEN
        INSERT INTO wallet.holds (hold_id, kind, account_id, reference, part_of, currency, amount, expires_at, opened_by)
            VALUES (p_hold, p_kind, p_account, p_reference, p_part_of, player.currency, p_amount, p_expires_at,
                p_transaction);
        IF p_kind = 'open_bet' THEN
            UPDATE wallet.accounts a SET last_bet_at = posted.created_at WHERE a.account_id = p_account;
        END IF;
        outcome := 'opened';
    END IF;
END $$;

-- Resolves what is open of p_part_of (or, where given, the one hold p_reference of it): on to where the kind's money
-- goes, or back to the player's cash. A round's win comes in the same transaction. `outcome`:
--   resolved | replayed | key_reused | account_unknown | nothing_open
-- p_status says how: captured, released or expired. p_name is the provider that pays a withdrawal out.
CREATE FUNCTION wallet.resolve_holds(
    p_kind text, p_account bigint, p_part_of text, p_reference text, p_key text, p_hash bytea, p_transaction uuid,
    p_status text, p_name text, p_win bigint, p_details jsonb,
    OUT outcome text, OUT transaction_id uuid, OUT amount bigint, OUT balance bigint, OUT details jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    rule      wallet.hold_kinds;
    player    wallet.accounts;
    movements wallet.movement[] := '{}';
    kind_     text;
    posted    record;
BEGIN
    IF p_status NOT IN ('captured', 'released', 'expired') OR p_win < 0 OR (p_win > 0 AND
            (p_kind <> 'open_bet' OR p_status <> 'captured')) THEN
        RAISE EXCEPTION 'a hold of kind % cannot end as % with a win of %', p_kind, p_status, p_win
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT * INTO STRICT rule FROM wallet.hold_kinds k WHERE k.kind = p_kind;
    SELECT * INTO player FROM wallet.accounts a
        WHERE a.account_id = p_account AND a.kind = 'player_cash' FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        outcome := 'account_unknown'; RETURN;
    END IF;
    balance := player.balance;
    kind_ := CASE p_status WHEN 'captured' THEN rule.captures ELSE rule.releases END;
    SELECT sum(h.amount) INTO amount FROM wallet.holds h
        WHERE h.account_id = p_account AND h.kind = p_kind AND h.part_of = p_part_of AND h.status = 'open'
            AND h.reference = coalesce(p_reference, h.reference);
    IF rule.account IS NOT NULL THEN
        IF amount > 0 THEN
            movements := movements || ROW(rule.account, NULL,
                CASE p_status WHEN 'captured' THEN rule.captured_to ELSE 'player_cash' END,
                CASE WHEN p_status = 'captured' THEN p_name END, player.currency, amount)::wallet.movement;
        END IF;
        IF p_win > 0 THEN
            movements := movements || ROW('house', NULL, 'player_cash', NULL, player.currency, p_win)::wallet.movement;
        END IF;
        IF amount IS NULL THEN
            -- Nothing is open; a repeat is answered as before, and a win without a bet is not this function's.
            movements := ARRAY[ROW(rule.account, NULL, coalesce(rule.captured_to, 'player_cash'), p_name,
                player.currency, 1)::wallet.movement];
            IF NOT EXISTS (SELECT FROM wallet.request_keys k
                    WHERE k.account_id = p_account AND k.kind = kind_ AND k.key = p_key) THEN
                outcome := 'nothing_open'; RETURN;
            END IF;
        END IF;
        SELECT * INTO posted FROM wallet.post(kind_, p_account, p_key, p_hash, p_transaction, movements, p_details);
        outcome := posted.outcome; transaction_id := posted.transaction_id; balance := posted.balance;
        details := posted.details;
        IF outcome <> 'posted' THEN
            RETURN;
        END IF;
    ELSIF amount IS NULL THEN
        outcome := 'nothing_open'; RETURN;
    END IF;
    UPDATE wallet.holds h SET status = p_status, resolved_by = transaction_id, resolved_at = clock_timestamp()
        WHERE h.account_id = p_account AND h.kind = p_kind AND h.part_of = p_part_of AND h.status = 'open'
            AND h.reference = coalesce(p_reference, h.reference);
    outcome := 'resolved';
END $$;
