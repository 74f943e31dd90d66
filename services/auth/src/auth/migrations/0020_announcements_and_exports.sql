-- What staff tells users, lists that staff asks for, and who is meant by a filter.

CREATE TABLE announcements (
    id           uuid PRIMARY KEY,
    texts        jsonb NOT NULL,
    audience     jsonb NOT NULL,
    by_mail      boolean NOT NULL,
    state        text NOT NULL DEFAULT 'draft' CHECK (state IN ('draft', 'scheduled', 'sent', 'cancelled', 'failed')),
    send_at      timestamptz,
    job_id       uuid,
    version      integer NOT NULL DEFAULT 1,
    created_by   uuid NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT kit_now(),
    ended_at     timestamptz,
    CHECK ((state = 'draft') = (job_id IS NULL))
);
CREATE UNIQUE INDEX announcements_by_job ON announcements (job_id) WHERE job_id IS NOT NULL;
COMMENT ON TABLE announcements IS 'What staff tells users: title and text by language, to whom, and the job that brings it.';
GRANT SELECT, INSERT, UPDATE, DELETE ON announcements TO :app;

CREATE TABLE announcement_recipients (
    announcement_id uuid NOT NULL REFERENCES announcements,
    user_id         uuid NOT NULL REFERENCES users,
    told_at         timestamptz NOT NULL DEFAULT kit_now(),
    read_at         timestamptz,
    PRIMARY KEY (announcement_id, user_id)
);
COMMENT ON TABLE announcement_recipients IS 'Who was told, each at most once, and who has read it.';
CREATE INDEX announcement_recipients_by_user ON announcement_recipients (user_id, announcement_id DESC);
GRANT SELECT, INSERT, UPDATE, DELETE ON announcement_recipients TO :app;

-- Mails of an announcement are made only as fast as they leave.
CREATE INDEX outgoing_mails_waiting ON outgoing_mails (detail) WHERE status = 'pending' AND detail IS NOT NULL;

CREATE TABLE staff_exports (
    id           uuid PRIMARY KEY,
    what         text NOT NULL CHECK (what IN ('users', 'organizations')),
    audience     jsonb NOT NULL,
    job_id       uuid NOT NULL,
    requested_by uuid NOT NULL,
    state        text NOT NULL DEFAULT 'under_way' CHECK (state IN ('under_way', 'ready', 'failed', 'expired')),
    bytes        bigint NOT NULL DEFAULT 0,
    expires_at   timestamptz NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT kit_now()
);
COMMENT ON TABLE staff_exports IS 'Lists of users or organizations that staff has asked for.';
CREATE UNIQUE INDEX staff_exports_by_job ON staff_exports (job_id);
CREATE INDEX staff_exports_in_order ON staff_exports (requested_by, id);
CREATE INDEX staff_exports_by_expiry ON staff_exports (expires_at) WHERE state <> 'expired';
GRANT SELECT, INSERT, UPDATE ON staff_exports TO :app;

CREATE TABLE staff_export_pieces (
    export_id uuid NOT NULL REFERENCES staff_exports,
    number    bigint NOT NULL,
    sealed    bytea NOT NULL,
    PRIMARY KEY (export_id, number)
);
COMMENT ON TABLE staff_export_pieces IS 'An export in the order of its rows: lines of CSV of one batch, sealed under the key of the platform.';
ALTER TABLE staff_export_pieces ALTER COLUMN sealed SET STORAGE EXTERNAL;
GRANT SELECT, INSERT, DELETE ON staff_export_pieces TO :app;

CREATE INDEX sessions_by_use ON sessions (user_id, used_at);

-- Whom a filter of staff means, after an id: it crosses tenants, as staff does. A null says that it does not matter.
CREATE POLICY selecting ON quota_limits FOR SELECT TO :loops USING (true);
GRANT SELECT ON quota_limits, users, identities, sessions TO :loops;
CREATE FUNCTION users_selected(after uuid, at_most bigint, verified boolean, suspended boolean,
                               created_from timestamptz, created_until timestamptz, active_since timestamptz,
                               organization uuid, roles text[], plans text[], languages text[])
    RETURNS TABLE (id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT u.id FROM users AS u
        WHERE u.id > after
          AND (verified IS NULL OR (u.verified_at IS NOT NULL) = verified)
          AND (suspended IS NULL OR (u.suspended_at IS NOT NULL) = suspended)
          AND (created_from IS NULL OR u.created_at >= created_from)
          AND (created_until IS NULL OR u.created_at < created_until)
          AND (languages IS NULL OR u.locale = ANY (languages))
          AND (active_since IS NULL OR EXISTS (
              SELECT FROM sessions AS s WHERE s.user_id = u.id AND s.used_at >= active_since))
          AND ((organization IS NULL AND roles IS NULL AND plans IS NULL) OR EXISTS (
              SELECT FROM members AS m
              WHERE m.user_id = u.id AND (organization IS NULL OR m.organization_id = organization)
                AND (roles IS NULL OR m.role = ANY (roles))
                AND (plans IS NULL OR EXISTS (
                    SELECT FROM quota_limits AS q
                    WHERE q.organization_id = m.organization_id AND q.plan = ANY (plans)))))
        ORDER BY u.id LIMIT at_most
    $$;
REVOKE ALL ON FUNCTION users_selected(uuid, bigint, boolean, boolean, timestamptz, timestamptz, timestamptz, uuid,
    text[], text[], text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION users_selected(uuid, bigint, boolean, boolean, timestamptz, timestamptz, timestamptz, uuid,
    text[], text[], text[]) TO :app;
ALTER FUNCTION users_selected(uuid, bigint, boolean, boolean, timestamptz, timestamptz, timestamptz, uuid,
    text[], text[], text[]) OWNER TO :loops;

-- All organizations in the order of their ids, as an export shows them.
CREATE FUNCTION organizations_listed(after uuid, at_most bigint, among uuid[])
    RETURNS TABLE (id uuid, name text, created_at timestamptz, members bigint, plan text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT o.id, o.name, o.created_at,
               (SELECT count(*) FROM members AS m WHERE m.organization_id = o.id),
               coalesce((SELECT q.plan FROM quota_limits AS q WHERE q.organization_id = o.id), '')
        FROM organizations AS o
        WHERE o.id > after AND (among IS NULL OR o.id = ANY (among))
        ORDER BY o.id LIMIT at_most
    $$;
REVOKE ALL ON FUNCTION organizations_listed(uuid, bigint, uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION organizations_listed(uuid, bigint, uuid[]) TO :app;
ALTER FUNCTION organizations_listed(uuid, bigint, uuid[]) OWNER TO :loops;
