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

-- What somebody wrote, by whom: with it kit tests how a person is handed over and forgotten.
CREATE TABLE pages (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    person_id       uuid,
    text            text NOT NULL DEFAULT ''
);
CREATE INDEX pages_by_person ON pages (person_id, id);
ALTER TABLE pages ENABLE ROW LEVEL SECURITY;
ALTER TABLE pages FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON pages TO :app USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, UPDATE, DELETE ON pages TO :app;

-- What is glued to a page, named by the page's text.
CREATE TABLE stickers (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    page_text       text NOT NULL
);
ALTER TABLE stickers ENABLE ROW LEVEL SECURITY;
ALTER TABLE stickers FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON stickers TO :app USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, UPDATE, DELETE ON stickers TO :app;

CREATE POLICY looking ON pages FOR SELECT TO :loops USING (true);
GRANT SELECT ON pages TO :loops;
CREATE FUNCTION organizations_of_writer(wanted uuid) RETURNS TABLE (organization_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS 'SELECT DISTINCT p.organization_id FROM pages AS p WHERE p.person_id = wanted';
REVOKE ALL ON FUNCTION organizations_of_writer(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION organizations_of_writer(uuid) TO :app;
ALTER FUNCTION organizations_of_writer(uuid) OWNER TO :loops;
