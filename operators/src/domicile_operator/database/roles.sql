-- The roles that the platform has in a cell's PostgreSQL before there is a tenant. Run by the server's superuser (a
-- site) or by an administrator with CREATEROLE and CREATEDB (Aurora's rds_superuser), as often as one likes.
-- The password of `openbao` is not set here.
DO $$
DECLARE
  -- Since 16 who may create roles may hand on only those that it holds with ADMIN OPTION.
  may_hand_on boolean := current_setting('server_version_num')::int < 160000
    OR pg_has_role(current_user, 'pg_signal_backend', 'MEMBER WITH ADMIN OPTION');
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'domicile_provisioner') THEN
    CREATE ROLE domicile_provisioner NOLOGIN CREATEDB CREATEROLE;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'openbao') THEN
    CREATE ROLE openbao LOGIN CREATEROLE;
  END IF;
  IF NOT pg_has_role('openbao', 'domicile_provisioner', 'MEMBER WITH ADMIN OPTION') THEN
    GRANT domicile_provisioner TO openbao WITH ADMIN OPTION;
  END IF;
  -- Whoever drops a database may end the sessions that are still in it. Without this it waits until they end.
  IF may_hand_on THEN
    GRANT pg_signal_backend TO openbao, domicile_provisioner;
  END IF;
  -- A session in template1 keeps every CREATE DATABASE waiting. Aurora's belongs to the administrator.
  IF EXISTS (SELECT FROM pg_database WHERE datname = 'template1' AND pg_has_role(datdba, 'USAGE')) THEN
    REVOKE CONNECT ON DATABASE template1 FROM PUBLIC;
  END IF;
END $$;
