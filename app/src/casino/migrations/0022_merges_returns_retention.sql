-- Which log-in a session of a player's was last opened by: who has found that they have no session any more, and takes
-- them out of `presence`, does it only where nobody has come since.
ALTER TABLE responsible_gaming.presence ADD COLUMN last_login uuid;

-- ---------------------------------------------------------------------------------------------------------------------
-- What comes back of a bet that was over is given back to the windows that the stake was counted in, and to no later one:
-- a stake of yesterday leaves nothing more to lose today. Whose stake it is only who gives it back knows.
CREATE OR REPLACE FUNCTION wallet.count_written() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NEW.kind <> 'bet_return' AND EXISTS (SELECT FROM wallet.player_limits l WHERE l.account_id = NEW.account_id) THEN
        PERFORM wallet.count_use(ARRAY[NEW.account_id],
            '{0}',
            ARRAY[CASE NEW.kind WHEN 'deposit' THEN 0 WHEN 'win_reversal' THEN NEW.taken ELSE -NEW.given END],
            ARRAY[CASE NEW.kind WHEN 'deposit' THEN NEW.given ELSE 0 END], ARRAY[NEW.created_at]);
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION wallet.void_bet(
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
        IF given.outcome = 'posted' THEN
            UPDATE wallet.player_limits l SET used = l.used - held.amount
                WHERE l.account_id = p_account AND l.kind IN ('stake', 'loss') AND held.opened_at >= l.starts_at;
            IF FOUND THEN
                PERFORM wallet.apply_limits(p_account, given.created_at);
            END IF;
        END IF;
    END IF;
    outcome := given.outcome; transaction_id := given.transaction_id; balance := given.balance;
    details := given.details;
END $$;

-- Two accounts of one person: what the one has used of a limit counts for the other from the merge on.
CREATE INDEX player_merges_survivor ON wallet.player_merges (survivor_id);
-- A cash account, and those in its currency of players who were merged into its player, and into those.
CREATE FUNCTION wallet.accounts_behind(p_account bigint) RETURNS SETOF bigint
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    WITH RECURSIVE persons AS (
        SELECT a.player_id, a.currency FROM wallet.accounts a WHERE a.account_id = p_account
        UNION
        SELECT m.player_id, p.currency FROM persons p JOIN wallet.player_merges m ON m.survivor_id = p.player_id
    )
    SELECT a.account_id FROM persons p JOIN wallet.accounts a ON a.player_id = p.player_id
        AND a.currency = p.currency AND a.kind = 'player_cash'
$$;
-- As wallet.used_before was: of one account.
CREATE FUNCTION wallet.used_by(p_account bigint, p_kind text, p_since timestamptz) RETURNS bigint
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE p_kind WHEN 'deposit' THEN came.deposits WHEN 'stake' THEN went.rounds + held.bets - came.returned
        ELSE went.rounds + went.reversed + held.bets - came.returned - came.won END
    FROM (SELECT coalesce(sum(p.amount) FILTER (WHERE t.kind = 'round'), 0)::bigint AS rounds,
                coalesce(sum(p.amount) FILTER (WHERE t.kind = 'win_reversal'), 0)::bigint AS reversed
            FROM wallet.postings p JOIN wallet.transactions t USING (transaction_id)
            WHERE p.debit_account = p_account AND p.transaction_id >= wallet.uuid7_floor(p_since)
                AND t.created_at >= p_since) AS went,
        (SELECT coalesce(sum(p.amount) FILTER (WHERE t.kind = 'deposit'), 0)::bigint AS deposits,
                coalesce(sum(p.amount) FILTER (WHERE t.kind = 'bet_return' AND EXISTS (
                    SELECT FROM wallet.request_keys k JOIN wallet.holds h ON h.account_id = k.account_id
                        AND h.kind = 'open_bet' AND h.reference = k.key
                    WHERE k.account_id = p_account AND k.kind = 'bet_return'
                        AND k.transaction_id = t.transaction_id AND h.opened_at >= p_since)), 0)::bigint AS returned,
                coalesce(sum(p.amount) FILTER (WHERE t.kind IN ('round', 'bet_settled', 'win', 'jackpot_win')), 0)::bigint
                    AS won
            FROM wallet.postings p JOIN wallet.transactions t USING (transaction_id)
            WHERE p.credit_account = p_account AND p.transaction_id >= wallet.uuid7_floor(p_since)
                AND t.created_at >= p_since) AS came,
        (SELECT coalesce(sum(h.amount), 0)::bigint AS bets FROM wallet.holds h
            WHERE h.account_id = p_account AND h.kind = 'open_bet' AND h.status IN ('open', 'captured')
                AND h.opened_at >= p_since) AS held
$$;
CREATE OR REPLACE FUNCTION wallet.used_before(p_account bigint, p_kind text, p_since timestamptz) RETURNS bigint
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(sum(wallet.used_by(one, p_kind, p_since)), 0)::bigint FROM wallet.accounts_behind(p_account) AS one
$$;

-- As before (0018), and the survivor takes over what is used of limits in the windows that run, the smaller cap of
-- stakes, and the bars that no other module lifts. The limits themselves, and exclusions, are responsible gaming's.
CREATE OR REPLACE FUNCTION wallet.merge_players(p_survivor uuid, p_merged uuid, p_reference text,
    OUT outcome text, OUT moved bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    currency_ text;
    survivor  bigint;
    legs      wallet.leg[];
    written   wallet.transactions;
    at        timestamptz;
    pair      record;
BEGIN
    moved := 0;
    FOR currency_ IN SELECT DISTINCT a.currency FROM wallet.accounts a WHERE a.player_id = p_merged LOOP
        PERFORM wallet.open_player_account(p_survivor, currency_);
    END LOOP;
    -- The cash accounts of both by number, as everywhere. From here on nothing can be opened that stands in the way.
    PERFORM FROM wallet.accounts a WHERE a.player_id IN (p_survivor, p_merged) AND a.kind = 'player_cash'
        ORDER BY a.account_id FOR NO KEY UPDATE;
    outcome := wallet.merge_obstacle(p_merged);
    IF outcome IS NOT NULL THEN
        RETURN;
    END IF;
    at := clock_timestamp();
    INSERT INTO wallet.player_merges VALUES (p_merged, p_survivor, p_reference) ON CONFLICT DO NOTHING;
    IF FOUND THEN
        FOR pair IN
            SELECT s.account_id AS kept, m.account_id AS ended FROM wallet.accounts m JOIN wallet.accounts s
                ON s.player_id = p_survivor AND s.currency = m.currency AND s.kind = 'player_cash'
            WHERE m.player_id = p_merged AND m.kind = 'player_cash' ORDER BY m.account_id
        LOOP
            PERFORM wallet.lock_limits(pair.kept), wallet.lock_limits(pair.ended);
            PERFORM wallet.count_use(ARRAY[pair.kept], '{0}', '{0}', '{0}', ARRAY[at]);  -- begins windows that have come
            UPDATE wallet.player_limits l SET used = l.used + wallet.used_before(pair.ended, l.kind, l.starts_at)
                WHERE l.account_id = pair.kept AND l.kind <> 'stake_cap';
            INSERT INTO wallet.player_limits AS l (account_id, kind, period, amount)
                SELECT pair.kept, e.kind, e.period, e.amount FROM wallet.player_limits e
                WHERE e.account_id = pair.ended AND e.kind = 'stake_cap' AND e.amount IS NOT NULL
                ON CONFLICT (account_id, kind, period) DO UPDATE SET amount = least(l.amount, excluded.amount);
            INSERT INTO wallet.player_bars AS b
                SELECT pair.kept, e.source, e.until, e.deposits, 0 FROM wallet.player_bars e
                WHERE e.account_id = pair.ended AND e.source IN ('general', 'session_time') AND e.until > at
                ON CONFLICT (account_id, source) DO UPDATE
                    SET until = greatest(b.until, excluded.until), deposits = b.deposits OR excluded.deposits;
            PERFORM wallet.apply_limits(pair.kept, at);
        END LOOP;
    END IF;
    FOR currency_ IN
        SELECT DISTINCT a.currency FROM wallet.accounts a WHERE a.player_id = p_merged AND a.balance > 0 ORDER BY 1
    LOOP
        survivor := wallet.open_player_account(p_survivor, currency_);
        SELECT array_agg(ROW(a.account_id, wallet.open_player_account(p_survivor, currency_, a.kind), currency_,
                a.balance)::wallet.leg ORDER BY a.account_id)
            INTO legs FROM wallet.accounts a
            WHERE a.player_id = p_merged AND a.currency = currency_ AND a.balance > 0
                AND a.kind IN ('player_cash', 'player_bonus', 'player_locked');
        CONTINUE WHEN legs IS NULL;
        written := wallet.write('account_merge', survivor, wallet.uuid7(at), currency_, legs,
            jsonb_build_object('merged_player_id', p_merged, 'reference', p_reference), at);
        -- What arrives at the merged account later is moved by a repeat, which is a transaction of its own.
        INSERT INTO wallet.request_keys VALUES (survivor, 'account_merge', p_reference || ':' || written.transaction_id,
            sha256(convert_to(p_reference, 'UTF8')), written.transaction_id);
        SELECT moved + coalesce(sum(l.amount), 0) INTO moved FROM unnest(legs) AS l;
    END LOOP;
    UPDATE wallet.accounts a SET status = 'closed'
        WHERE a.player_id = p_merged AND a.kind = 'player_cash' AND a.status <> 'closed';
    outcome := CASE WHEN moved > 0 THEN 'merged' ELSE 'nothing_to_move' END;
END $$;

-- ---------------------------------------------------------------------------------------------------------------------
-- Which transactions are undone by their mirror image: bookings and corrections. Play is not: a round ends as it was
-- played, or is void by the game's rules while it is open. Nor is what a provider has done, which has its own way back.
ALTER TABLE wallet.movement_kinds ADD COLUMN reversible boolean NOT NULL DEFAULT false;
UPDATE wallet.movement_kinds SET reversible = true WHERE kind IN ('adjustment', 'bonus_forfeit', 'bonus_grant',
    'bonus_release', 'exchange', 'fee', 'opening_balance', 'psp_fee', 'psp_settlement', 'tax');
CREATE OR REPLACE FUNCTION wallet.reverse(p_transaction uuid, p_reversal uuid, p_details jsonb,
    OUT outcome text, OUT transaction_id uuid, OUT balance bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    original wallet.transactions;
    player   wallet.accounts;
    legs     wallet.leg[];
    written  wallet.transactions;
    broken   text;
BEGIN
    SELECT * INTO original FROM wallet.transactions t WHERE t.transaction_id = p_transaction;
    IF NOT FOUND OR NOT EXISTS (
            SELECT FROM wallet.movement_kinds m WHERE m.kind = original.kind AND m.reversible) THEN
        outcome := 'not_reversible'; RETURN;
    END IF;
    SELECT * INTO STRICT player FROM wallet.accounts a WHERE a.account_id = original.account_id FOR NO KEY UPDATE;
    balance := player.balance;
    SELECT k.transaction_id INTO transaction_id FROM wallet.request_keys k
        WHERE k.account_id = original.account_id AND k.kind = 'reversal' AND k.key = p_transaction::text;
    IF FOUND THEN
        outcome := 'replayed'; RETURN;
    END IF;
    SELECT array_agg(ROW(p.credit_account, p.debit_account, p.currency, p.amount)::wallet.leg ORDER BY p.leg DESC)
        INTO legs FROM wallet.postings p WHERE p.transaction_id = p_transaction;
    BEGIN
        written := wallet.write('reversal', original.account_id, p_reversal, original.currency, legs,
            p_details || jsonb_build_object('reverses', p_transaction), clock_timestamp());
    EXCEPTION WHEN check_violation THEN
        GET STACKED DIAGNOSTICS broken = CONSTRAINT_NAME;
        IF broken <> 'no_negative_player_balance' THEN
            RAISE;
        END IF;
        outcome := 'insufficient_funds'; RETURN;
    END;
    INSERT INTO wallet.request_keys
        VALUES (original.account_id, 'reversal', p_transaction::text, sha256(convert_to(p_transaction::text, 'UTF8')), p_reversal);
    outcome := 'posted'; transaction_id := p_reversal; balance := written.balance_after;
END $$;

-- ---------------------------------------------------------------------------------------------------------------------
-- What goes when its time is over. What a studio asked is kept for the retention of records, and goes by the module's own
-- job (retention.py); not before a year is over, whoever deletes, and not while it is open.
DROP TRIGGER never_deleted ON gal.studio_transactions;
CREATE TRIGGER kept_for_a_year BEFORE DELETE ON gal.studio_transactions FOR EACH ROW
    WHEN (OLD.status = 'pending' OR OLD.finished_at > clock_timestamp() - interval '1 year')
    EXECUTE FUNCTION gal.refuse_deletion();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON gal.studio_transactions
    FOR EACH STATEMENT EXECUTE FUNCTION gal.refuse_deletion();

-- Payments, with their transitions and attempts, and what providers told of them, go with the last month of the journal
-- that they can have moved in: by the owner alone, when that is retired, and so by its retention and its legal holds. A
-- posting's identifier is drawn a moment before or after its payment is written down: hence the two days.
CREATE FUNCTION wallet.payments_retired_before() RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT wallet.next_month(max(month))::timestamp AT TIME ZONE 'UTC' - interval '2 days'
        FROM wallet.retirements), '-infinity'::timestamptz)
$$;
DROP TRIGGER append_only ON wallet.payment_transitions;
CREATE TRIGGER append_only BEFORE UPDATE OR TRUNCATE ON wallet.payment_transitions
    FOR EACH STATEMENT EXECUTE FUNCTION wallet.refuse_change_of_payment_history();
CREATE TRIGGER kept_with_the_journal BEFORE DELETE ON wallet.payment_transitions FOR EACH ROW
    WHEN (OLD.at >= wallet.payments_retired_before())
    EXECUTE FUNCTION wallet.refuse_change_of_payment_history();
CREATE TRIGGER kept_with_the_journal BEFORE DELETE ON wallet.payments FOR EACH ROW
    WHEN (OLD.updated_at >= wallet.payments_retired_before())
    EXECUTE FUNCTION wallet.refuse_change_of_payment_history();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON wallet.payments
    FOR EACH STATEMENT EXECUTE FUNCTION wallet.refuse_change_of_payment_history();

-- Takes away at most so many payments that are over, and as many messages of providers; answers how many rows went.
CREATE FUNCTION wallet.forget_payments(p_most integer) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    before timestamptz := wallet.payments_retired_before();
    over   uuid[];
    gone   bigint := 0;
    more   bigint;
BEGIN
    over := ARRAY(SELECT p.payment_id FROM wallet.payments p
        WHERE p.updated_at < before
            AND p.state IN ('failed', 'captured', 'partially_refunded', 'refunded', 'chargeback_lost', 'cancelled',
                'paid', 'returned')
            AND NOT EXISTS (SELECT FROM wallet.payment_attempts a WHERE a.payment_id = p.payment_id AND (a.stray
                OR a.outcome IS NULL OR a.outcome IN ('unknown', 'pending', 'authorized')))
            AND NOT EXISTS (SELECT FROM wallet.payment_transitions t WHERE t.payment_id = p.payment_id AND t.at >= before)
        LIMIT p_most);
    DELETE FROM wallet.payment_attempts a WHERE a.payment_id = ANY (over);
    GET DIAGNOSTICS more = ROW_COUNT;
    gone := gone + more;
    DELETE FROM wallet.payment_transitions t WHERE t.payment_id = ANY (over);
    GET DIAGNOSTICS more = ROW_COUNT;
    gone := gone + more;
    DELETE FROM wallet.payments p WHERE p.payment_id = ANY (over);
    GET DIAGNOSTICS more = ROW_COUNT;
    gone := gone + more;
    DELETE FROM wallet.psp_events e WHERE e.ctid = ANY (ARRAY(SELECT o.ctid FROM wallet.psp_events o
        WHERE o.status = 'done' AND o.received_at < before AND o.handled_at < before LIMIT p_most));
    GET DIAGNOSTICS more = ROW_COUNT;
    RETURN gone + more;
END $$;
