-- What people may ask of their data: exports with their parts and archives, erasures with the services' answers.
-- `owner_id` is whose request it is: the organization of a contact, or a user for what they ask about themselves.

CREATE TABLE exports (
    id              uuid PRIMARY KEY,
    owner_id        uuid NOT NULL,
    organization_id uuid,
    person_kind     text NOT NULL CHECK (person_kind IN ('contact', 'user')),
    person_id       uuid NOT NULL,
    requested_by    uuid NOT NULL,
    state           text NOT NULL DEFAULT 'collecting'
                    CHECK (state IN ('collecting', 'assembling', 'ready', 'expired', 'too_large')),
    password_sealed bytea,
    size            bigint NOT NULL DEFAULT 0,
    sha256          text NOT NULL DEFAULT '',
    attempt         integer NOT NULL DEFAULT 0,
    leased_until    timestamptz,
    version         bigint NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL DEFAULT kit_now(),
    ready_at        timestamptz,
    expires_at      timestamptz NOT NULL
);
COMMENT ON TABLE exports IS 'Somebody asked for everything kept about one person; the password opens the archive and is forgotten once it is made.';
CREATE INDEX exports_listed ON exports (owner_id, id);
CREATE INDEX exports_assembling ON exports (created_at) WHERE state = 'assembling';
CREATE INDEX exports_expiring ON exports (expires_at) WHERE state <> 'expired';
CREATE INDEX exports_by_person ON exports (person_id);
ALTER TABLE exports ENABLE ROW LEVEL SECURITY;
ALTER TABLE exports FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON exports TO :app USING (owner_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, UPDATE ON exports TO :app;

CREATE TABLE export_parts (
    export_id uuid NOT NULL REFERENCES exports,
    service   text NOT NULL,
    owner_id  uuid NOT NULL,
    state     text NOT NULL DEFAULT 'asked' CHECK (state IN ('asked', 'ready')),
    attempt   integer NOT NULL DEFAULT 0,
    pieces    integer NOT NULL DEFAULT 0,
    rows      jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (export_id, service)
);
COMMENT ON TABLE export_parts IS 'Which services were asked for their part, and which attempt of theirs is whole.';
ALTER TABLE export_parts ENABLE ROW LEVEL SECURITY;
ALTER TABLE export_parts FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON export_parts TO :app
    USING (owner_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, UPDATE ON export_parts TO :app;

CREATE TABLE export_pieces (
    export_id uuid NOT NULL REFERENCES exports,
    service   text NOT NULL,
    attempt   integer NOT NULL,
    number    integer NOT NULL,
    owner_id  uuid NOT NULL,
    sealed    bytea NOT NULL,
    PRIMARY KEY (export_id, service, attempt, number)
);
COMMENT ON TABLE export_pieces IS 'Lines of JSON that services handed over, sealed under the key of the person; gone once the archive is made.';
ALTER TABLE export_pieces ENABLE ROW LEVEL SECURITY;
ALTER TABLE export_pieces FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON export_pieces TO :app
    USING (owner_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, UPDATE, DELETE ON export_pieces TO :app;

CREATE TABLE export_archives (
    export_id uuid NOT NULL REFERENCES exports,
    attempt   integer NOT NULL,
    number    integer NOT NULL,
    owner_id  uuid NOT NULL,
    sealed    bytea NOT NULL,
    PRIMARY KEY (export_id, attempt, number)
);
COMMENT ON TABLE export_archives IS 'The archive in chunks: encrypted under its password, and sealed once more under the key of the person.';
ALTER TABLE export_archives ENABLE ROW LEVEL SECURITY;
ALTER TABLE export_archives FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON export_archives TO :app
    USING (owner_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, DELETE ON export_archives TO :app;

CREATE TABLE erasures (
    id              uuid PRIMARY KEY,
    owner_id        uuid NOT NULL,
    organization_id uuid,
    person_kind     text NOT NULL CHECK (person_kind IN ('contact', 'user')),
    person_id       uuid NOT NULL,
    way             text NOT NULL CHECK (way IN ('erase', 'anonymise')),
    requested_by    uuid NOT NULL,
    state           text NOT NULL DEFAULT 'waiting'
                    CHECK (state IN ('waiting', 'begun', 'destroying', 'finished', 'cancelled')),
    begins_at       timestamptz NOT NULL,
    version         bigint NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL DEFAULT kit_now(),
    begun_at        timestamptz,
    finished_at     timestamptz
);
COMMENT ON TABLE erasures IS 'Somebody is to be forgotten: after the grace every service is asked, and when all have answered the keys are destroyed.';
CREATE UNIQUE INDEX erasures_active ON erasures (owner_id, person_kind, person_id)
    WHERE state IN ('waiting', 'begun', 'destroying');
CREATE INDEX erasures_listed ON erasures (owner_id, id);
CREATE INDEX erasures_waiting ON erasures (begins_at) WHERE state = 'waiting';
CREATE INDEX erasures_destroying ON erasures (begins_at) WHERE state = 'destroying';
ALTER TABLE erasures ENABLE ROW LEVEL SECURITY;
ALTER TABLE erasures FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON erasures TO :app USING (owner_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, UPDATE ON erasures TO :app;

CREATE TABLE erasure_answers (
    erasure_id   uuid NOT NULL REFERENCES erasures,
    service      text NOT NULL,
    owner_id     uuid NOT NULL,
    state        text NOT NULL DEFAULT 'asked' CHECK (state IN ('asked', 'blocked', 'done')),
    version      bigint NOT NULL DEFAULT 0,
    removed      jsonb NOT NULL DEFAULT '{}',
    anonymised   jsonb NOT NULL DEFAULT '{}',
    kept         jsonb NOT NULL DEFAULT '{}',
    kept_because jsonb NOT NULL DEFAULT '{}',
    keys         text[] NOT NULL DEFAULT '{}',
    blocked_by   text NOT NULL DEFAULT '',
    answered_at  timestamptz,
    PRIMARY KEY (erasure_id, service)
);
COMMENT ON TABLE erasure_answers IS 'Which services were asked to forget somebody, and what they counted.';
ALTER TABLE erasure_answers ENABLE ROW LEVEL SECURITY;
ALTER TABLE erasure_answers FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON erasure_answers TO :app
    USING (owner_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, UPDATE ON erasure_answers TO :app;

-- Whose a request is that a service answers, and which requests are due, whosever they are.
CREATE POLICY looking ON exports FOR SELECT TO :loops USING (true);
CREATE POLICY looking ON erasures FOR SELECT TO :loops USING (true);
GRANT SELECT ON exports, erasures TO :loops;

CREATE FUNCTION request_owner(request uuid) RETURNS uuid LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT owner_id FROM exports WHERE id = request
        UNION ALL
        SELECT owner_id FROM erasures WHERE id = request
    $$;
REVOKE ALL ON FUNCTION request_owner(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION request_owner(uuid) TO :app;
ALTER FUNCTION request_owner(uuid) OWNER TO :loops;

CREATE FUNCTION due_exports(at_most integer) RETURNS TABLE (id uuid, owner_id uuid) LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT e.id, e.owner_id FROM exports AS e
        WHERE e.state = 'assembling' AND (e.leased_until IS NULL OR e.leased_until < kit_now())
        ORDER BY e.created_at LIMIT at_most
    $$;
REVOKE ALL ON FUNCTION due_exports(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION due_exports(integer) TO :app;
ALTER FUNCTION due_exports(integer) OWNER TO :loops;

CREATE FUNCTION expired_exports(at_most integer) RETURNS TABLE (id uuid, owner_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT e.id, e.owner_id FROM exports AS e
        WHERE e.state <> 'expired' AND e.expires_at < kit_now()
        ORDER BY e.expires_at LIMIT at_most
    $$;
REVOKE ALL ON FUNCTION expired_exports(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION expired_exports(integer) TO :app;
ALTER FUNCTION expired_exports(integer) OWNER TO :loops;

CREATE FUNCTION due_erasures(at_most integer) RETURNS TABLE (id uuid, owner_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT e.id, e.owner_id FROM erasures AS e
        WHERE e.state = 'destroying' OR (e.state = 'waiting' AND e.begins_at <= kit_now())
        ORDER BY e.begins_at LIMIT at_most
    $$;
REVOKE ALL ON FUNCTION due_erasures(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION due_erasures(integer) TO :app;
ALTER FUNCTION due_erasures(integer) OWNER TO :loops;
