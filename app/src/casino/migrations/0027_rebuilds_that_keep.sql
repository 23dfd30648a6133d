-- A rebuild keeps what was built of times whose events are gone (docs/ledger.md): from when on events are read anew.
DO $$
DECLARE
    module text;
BEGIN
    FOR module IN SELECT table_schema FROM information_schema.tables WHERE table_name = 'cursors' ORDER BY 1 LOOP
        EXECUTE format('ALTER TABLE %I.cursors ADD COLUMN kept_before timestamptz', module);
    END LOOP;
END $$;
