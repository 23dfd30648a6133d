-- Files of settlement go when their time is over (retention.py): after the retention of records, when nothing of one is
-- open, and when the payments that it names have gone with their months. Until then a later file is held against it.
CREATE FUNCTION wallet.settlements_over(p_years integer) RETURNS TABLE (file_id uuid) LANGUAGE sql STABLE AS $$
    SELECT f.file_id FROM wallet.settlement_files f
    WHERE f.received_at < clock_timestamp() - make_interval(years => p_years)
        AND NOT EXISTS (SELECT FROM wallet.settlement_breaks b WHERE b.file_id = f.file_id AND b.closed_at IS NULL)
        AND NOT EXISTS (SELECT FROM wallet.settlement_lines l JOIN wallet.payment_attempts a USING (reference)
            WHERE l.file_id = f.file_id AND a.provider = f.provider AND a.method = f.method)
$$;

-- Takes away at most so many of them, with their lines and what did not agree; answers how many files went. Not before a
-- year is over, whoever asks.
CREATE FUNCTION wallet.forget_settlements(p_years integer, p_most integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    over uuid[];
BEGIN
    -- As a file is stored (SETTLEMENT_LOCK): it is held against those before it.
    PERFORM pg_advisory_xact_lock(7246155916);
    over := ARRAY(SELECT o.file_id FROM wallet.settlements_over(greatest(p_years, 1)) AS o LIMIT p_most);
    DELETE FROM wallet.settlement_breaks b WHERE b.file_id = ANY (over);
    DELETE FROM wallet.settlement_lines l WHERE l.file_id = ANY (over);
    DELETE FROM wallet.settlement_files f WHERE f.file_id = ANY (over);
    RETURN cardinality(over);
END $$;
