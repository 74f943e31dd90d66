CREATE TABLE tellings (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    number          integer NOT NULL,
    told_at         timestamptz NOT NULL
);
CREATE INDEX tellings_by_organization ON tellings (organization_id, id);
ALTER TABLE tellings ENABLE ROW LEVEL SECURITY;
ALTER TABLE tellings FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON tellings TO :app USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT ON tellings TO :app;

-- The accountant looks across tenants: how many rows there are, and of how many different events.
CREATE POLICY counting ON tellings FOR SELECT TO :loops USING (true);
GRANT SELECT ON tellings TO :loops;
CREATE FUNCTION count_tellings() RETURNS TABLE (tellings bigint, numbers bigint) LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS 'SELECT count(*), count(DISTINCT number) FROM tellings';
REVOKE ALL ON FUNCTION count_tellings() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION count_tellings() TO :app;
ALTER FUNCTION count_tellings() OWNER TO :loops;
