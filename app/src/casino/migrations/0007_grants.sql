-- What the serving role may do: read everything here, call the ledger's functions, and register players.
-- In the ledger it has no INSERT, UPDATE or DELETE at all. Where the role does not exist (development), nothing.
DO $$
DECLARE
    app text := current_database() || '_app';
BEGIN
    REVOKE ALL ON ALL FUNCTIONS IN SCHEMA wallet FROM PUBLIC;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = app) THEN
        RETURN;
    END IF;
    EXECUTE format('GRANT USAGE ON SCHEMA wallet, pam, migrations TO %I', app);
    EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA wallet, migrations TO %I', app);
    EXECUTE format('GRANT SELECT, INSERT ON pam.players TO %I', app);
    EXECUTE format('GRANT UPDATE (password_hash) ON pam.players TO %I', app);
    EXECUTE format('GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA wallet TO %I', app);
END $$;
