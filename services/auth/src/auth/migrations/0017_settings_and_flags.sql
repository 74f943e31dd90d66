-- What staff runs the platform with: settings and flags.

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
    id            uuid NOT NULL UNIQUE,
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
