-- What staff runs the platform with: settings, flags, announcements, exports; and who is meant by a filter.

CREATE TABLE system_settings (
    name       text PRIMARY KEY,
    value      jsonb NOT NULL,
    version    integer NOT NULL,
    changed_by uuid NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT kit_now()
);
COMMENT ON TABLE system_settings IS 'Settings that were changed from what they are by default; which there are stands in settings/registry.py.';
GRANT SELECT, INSERT, UPDATE ON system_settings TO :app;

CREATE TABLE system_setting_changes (
    name       text NOT NULL,
    version    integer NOT NULL,
    value      jsonb NOT NULL,
    changed_by uuid NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (name, version)
);
COMMENT ON TABLE system_setting_changes IS 'Every value that a setting had, who gave it and when.';
GRANT SELECT, INSERT ON system_setting_changes TO :app;

CREATE TABLE flags (
    key           text PRIMARY KEY CHECK (key ~ '^[a-z][a-z0-9_.-]{0,59}$'),
    sentence      text NOT NULL CHECK (length(sentence) BETWEEN 1 AND 200),
    by_default    boolean NOT NULL DEFAULT false,
    killed        boolean NOT NULL DEFAULT false,
    percentage    numeric(5, 2) NOT NULL DEFAULT 0 CHECK (percentage BETWEEN 0 AND 100),
    counted_by    text NOT NULL DEFAULT 'organization' CHECK (counted_by IN ('organization', 'user')),
    organizations uuid[] NOT NULL DEFAULT '{}' CHECK (cardinality(organizations) <= 1000),
    plans         text[] NOT NULL DEFAULT '{}' CHECK (cardinality(plans) <= 50),
    version       integer NOT NULL DEFAULT 1,
    changed_by    uuid NOT NULL,
    changed_at    timestamptz NOT NULL DEFAULT kit_now(),
    created_at    timestamptz NOT NULL DEFAULT kit_now()
);
COMMENT ON TABLE flags IS 'What is switched on for some: by name, plan or share; killed switches it off for everybody.';
GRANT SELECT, INSERT, UPDATE, DELETE ON flags TO :app;

CREATE TABLE flag_users (
    flag_key text NOT NULL REFERENCES flags ON DELETE CASCADE,
    user_id  uuid NOT NULL,
    PRIMARY KEY (flag_key, user_id)
);
COMMENT ON TABLE flag_users IS 'People for whom a flag is switched on by name.';
CREATE INDEX flag_users_by_user ON flag_users (user_id);
GRANT SELECT, INSERT, DELETE ON flag_users TO :app;

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

CREATE INDEX users_by_suspension ON users (id) WHERE suspended_at IS NOT NULL;
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
