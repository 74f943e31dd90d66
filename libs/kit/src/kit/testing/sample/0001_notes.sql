CREATE TABLE kinds (name text PRIMARY KEY);
GRANT SELECT ON kinds TO :app;

CREATE TABLE notes (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    version         integer NOT NULL DEFAULT 1,
    text            text NOT NULL DEFAULT '',
    created_at      timestamptz NOT NULL DEFAULT kit_now()
);
CREATE INDEX notes_by_organization ON notes (organization_id, id);
ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
ALTER TABLE notes FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON notes TO :app USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, UPDATE, DELETE ON notes TO :app;

-- How many notes there are in all: the one question that crosses tenants.
CREATE POLICY counting ON notes FOR SELECT TO :loops USING (true);
GRANT SELECT ON notes TO :loops;
CREATE FUNCTION count_all_notes() RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS 'SELECT count(*) FROM notes';
-- Rights on a function are settled before it is given away: afterwards its maker has no say any more.
REVOKE ALL ON FUNCTION count_all_notes() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION count_all_notes() TO :app;
ALTER FUNCTION count_all_notes() OWNER TO :loops;
