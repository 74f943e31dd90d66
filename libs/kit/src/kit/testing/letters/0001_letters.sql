-- What a made-up source of webhooks applies: one row per letter, in the order in which they were applied.
CREATE TABLE letters (
    place           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organization_id uuid NOT NULL,
    item            uuid NOT NULL,
    sender          text NOT NULL,
    body            text NOT NULL
);
ALTER TABLE letters ENABLE ROW LEVEL SECURITY;
ALTER TABLE letters FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON letters TO :app USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT ON letters TO :app;
