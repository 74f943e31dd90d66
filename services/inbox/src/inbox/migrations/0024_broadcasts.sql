-- Broadcasts: what is sent to many, whom it reaches, what became of each, and how fast a number may go just now.

CREATE TABLE broadcasts (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    channel_id      uuid NOT NULL REFERENCES channels,
    parent_id       uuid REFERENCES broadcasts,
    kind            text NOT NULL DEFAULT 'broadcast' CHECK (kind IN ('broadcast', 'test', 'fallback')),
    name            text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    state           text NOT NULL DEFAULT 'draft'
                    CHECK (state IN ('draft', 'scheduled', 'running', 'paused', 'completed', 'cancelled')),
    reason          text NOT NULL DEFAULT '',
    waits_for       text NOT NULL DEFAULT '',
    audience        jsonb NOT NULL,
    variants        jsonb NOT NULL,
    purpose         text NOT NULL CHECK (purpose IN ('marketing', 'utility', 'service')),
    zone            text NOT NULL DEFAULT 'UTC',
    quiet_from      time,
    quiet_until     time,
    start_at        timestamptz,
    local_start     timestamp,
    fallback        jsonb,
    prepared_after  uuid,
    prepared_at     timestamptz,
    started_at      timestamptz,
    ended_at        timestamptz,
    told_at         timestamptz,
    work_at         timestamptz,
    version         bigint NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL DEFAULT kit_now(),
    changed_at      timestamptz NOT NULL DEFAULT kit_now(),
    CHECK ((quiet_from IS NULL) = (quiet_until IS NULL))
);
COMMENT ON TABLE broadcasts IS 'One message to many: by which rule whom, made of which templates, when; nobody''s name or number stands here.';
COMMENT ON COLUMN broadcasts.reason IS 'Why it is paused, as a code.';
COMMENT ON COLUMN broadcasts.waits_for IS 'What it waits for by itself while it runs: tier, quiet_hours.';
COMMENT ON COLUMN broadcasts.variants IS 'Templates with values and weights; what can be sent of each is frozen when it starts.';
COMMENT ON COLUMN broadcasts.prepared_after IS 'The last contact that was looked at while recipients are written down.';
COMMENT ON COLUMN broadcasts.work_at IS 'When somebody should look at it next; empty where nothing is to be done.';
CREATE INDEX broadcasts_listed ON broadcasts (organization_id, id);
CREATE INDEX broadcasts_due ON broadcasts (work_at) WHERE work_at IS NOT NULL;
CREATE INDEX broadcasts_by_channel ON broadcasts (channel_id, state);
CREATE INDEX broadcasts_by_parent ON broadcasts (parent_id) WHERE parent_id IS NOT NULL;
ALTER TABLE broadcasts ENABLE ROW LEVEL SECURITY;
ALTER TABLE broadcasts FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON broadcasts TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, UPDATE ON broadcasts TO :app;

CREATE TABLE broadcast_recipients (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    broadcast_id    uuid NOT NULL REFERENCES broadcasts,
    contact_id      uuid NOT NULL REFERENCES contacts,
    variant         smallint NOT NULL DEFAULT 0,
    country         text NOT NULL DEFAULT '',
    zone            text NOT NULL DEFAULT '',
    due_at          timestamptz,
    state           text NOT NULL DEFAULT 'waiting' CHECK (state IN (
        'waiting', 'handed', 'unknown', 'unconfirmed', 'sent', 'failed', 'delivered', 'read', 'skipped', 'cancelled')),
    state_at        timestamptz NOT NULL DEFAULT kit_now(),
    code            text NOT NULL DEFAULT '',
    class           text NOT NULL DEFAULT '',
    sent_at         timestamptz,
    provider_blind  bytea,
    provider_sealed bytea,
    replied_at      timestamptz,
    clicked_at      timestamptz,
    opted_out_at    timestamptz,
    UNIQUE (broadcast_id, contact_id)
);
COMMENT ON TABLE broadcast_recipients IS 'One contact in one broadcast, once: whether it left, what became of it and why.';
COMMENT ON COLUMN broadcast_recipients.due_at IS 'Not before; empty as soon as the broadcast runs.';
COMMENT ON COLUMN broadcast_recipients.class IS 'What sort of reason it has that it did not arrive.';
CREATE INDEX broadcast_recipients_waiting ON broadcast_recipients (broadcast_id, due_at NULLS FIRST, id) WHERE state = 'waiting';
CREATE INDEX broadcast_recipients_by_state ON broadcast_recipients (broadcast_id, state, id);
CREATE INDEX broadcast_recipients_by_class ON broadcast_recipients (broadcast_id, class, id) WHERE class <> '';
CREATE INDEX broadcast_recipients_by_contact ON broadcast_recipients (contact_id, id);
ALTER TABLE broadcast_recipients ENABLE ROW LEVEL SECURITY;
ALTER TABLE broadcast_recipients FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON broadcast_recipients TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, UPDATE, DELETE ON broadcast_recipients TO :app;

CREATE TABLE broadcast_counts (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organization_id uuid NOT NULL,
    broadcast_id    uuid NOT NULL,
    variant         smallint NOT NULL,
    what            text NOT NULL,
    n               bigint NOT NULL,
    folded          boolean NOT NULL DEFAULT false
);
COMMENT ON TABLE broadcast_counts IS 'How many recipients of a broadcast stand where, and how many replied, clicked or opted out.';
COMMENT ON COLUMN broadcast_counts.folded IS 'The one row into which changes are added up; the others are changes.';
CREATE UNIQUE INDEX broadcast_counts_folded ON broadcast_counts (broadcast_id, variant, what) WHERE folded;
CREATE INDEX broadcast_counts_of ON broadcast_counts (broadcast_id);
CREATE INDEX broadcast_counts_fresh ON broadcast_counts (id) WHERE NOT folded;
ALTER TABLE broadcast_counts ENABLE ROW LEVEL SECURITY;
ALTER TABLE broadcast_counts FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON broadcast_counts FOR SELECT TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
CREATE POLICY counting ON broadcast_counts TO :loops USING (true);
GRANT SELECT ON broadcast_counts TO :app;
GRANT SELECT, INSERT, UPDATE, DELETE ON broadcast_counts TO :loops;

CREATE FUNCTION broadcasts_count() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
    BEGIN
        IF TG_OP = 'INSERT' THEN
            INSERT INTO broadcast_counts (organization_id, broadcast_id, variant, what, n)
            SELECT organization_id, broadcast_id, variant, state, count(*) FROM after GROUP BY 1, 2, 3, 4;
        ELSIF TG_OP = 'DELETE' THEN  -- what has ended stays counted, also of who was forgotten
            INSERT INTO broadcast_counts (organization_id, broadcast_id, variant, what, n)
            SELECT organization_id, broadcast_id, variant, state, -count(*)
            FROM before WHERE state IN ('waiting', 'handed', 'unknown') GROUP BY 1, 2, 3, 4;
        ELSE
            INSERT INTO broadcast_counts (organization_id, broadcast_id, variant, what, n)
            SELECT organization_id, broadcast_id, variant, what, sum(way) FROM (
                SELECT a.organization_id, a.broadcast_id, a.variant, w.what, w.way
                FROM after AS a JOIN before AS b ON b.id = a.id
                CROSS JOIN LATERAL (VALUES
                    (a.state, CASE WHEN a.state <> b.state THEN 1 ELSE 0 END),
                    (b.state, CASE WHEN a.state <> b.state THEN -1 ELSE 0 END),
                    ('replied', CASE WHEN b.replied_at IS NULL AND a.replied_at IS NOT NULL THEN 1 ELSE 0 END),
                    ('clicked', CASE WHEN b.clicked_at IS NULL AND a.clicked_at IS NOT NULL THEN 1 ELSE 0 END),
                    ('opted_out', CASE WHEN b.opted_out_at IS NULL AND a.opted_out_at IS NOT NULL THEN 1 ELSE 0 END)
                ) AS w (what, way)
                WHERE w.way <> 0
            ) AS moved
            GROUP BY 1, 2, 3, 4 HAVING sum(way) <> 0;
        END IF;
        RETURN NULL;
    END
    $$;
REVOKE ALL ON FUNCTION broadcasts_count() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION broadcasts_count() TO :app;
CREATE TRIGGER counted_in AFTER INSERT ON broadcast_recipients REFERENCING NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION broadcasts_count();
CREATE TRIGGER counted_on AFTER UPDATE ON broadcast_recipients REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION broadcasts_count();
CREATE TRIGGER counted_out AFTER DELETE ON broadcast_recipients REFERENCING OLD TABLE AS before
    FOR EACH STATEMENT EXECUTE FUNCTION broadcasts_count();
ALTER FUNCTION broadcasts_count() OWNER TO :loops;

CREATE FUNCTION fold_broadcast_counts(at_most integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
    DECLARE
        taken integer;
    BEGIN
        WITH gone AS (
            DELETE FROM broadcast_counts WHERE id IN (
                SELECT id FROM broadcast_counts WHERE NOT folded ORDER BY id LIMIT at_most FOR UPDATE SKIP LOCKED
            )
            RETURNING organization_id, broadcast_id, variant, what, n
        ), added AS (
            INSERT INTO broadcast_counts (organization_id, broadcast_id, variant, what, n, folded)
            SELECT organization_id, broadcast_id, variant, what, sum(n), true
            FROM gone GROUP BY 1, 2, 3, 4 ORDER BY 2, 3, 4
            ON CONFLICT (broadcast_id, variant, what) WHERE folded
            DO UPDATE SET n = broadcast_counts.n + excluded.n
        )
        SELECT count(*) INTO taken FROM gone;
        RETURN taken;
    END
    $$;
REVOKE ALL ON FUNCTION fold_broadcast_counts(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION fold_broadcast_counts(integer) TO :app;
ALTER FUNCTION fold_broadcast_counts(integer) OWNER TO :loops;

-- Whose turn it is, in whichever organization: those that have waited longest.
CREATE POLICY looking ON broadcasts FOR SELECT TO :loops USING (true);
GRANT SELECT (id, organization_id, work_at) ON broadcasts TO :loops;
CREATE FUNCTION broadcasts_due(at_most integer) RETURNS TABLE (id uuid, organization_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT b.id, b.organization_id FROM broadcasts AS b
        WHERE b.work_at <= kit_now() ORDER BY b.work_at LIMIT at_most
    $$;
REVOKE ALL ON FUNCTION broadcasts_due(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION broadcasts_due(integer) TO :app;
ALTER FUNCTION broadcasts_due(integer) OWNER TO :loops;

-- How many people a portfolio of numbers has opened a conversation with in the last 24 hours.
CREATE TABLE portfolio_openings (
    organization_id uuid NOT NULL,
    portfolio       text NOT NULL,
    contact_id      uuid NOT NULL REFERENCES contacts,
    opened_at       timestamptz NOT NULL,
    PRIMARY KEY (organization_id, portfolio, contact_id)
);
COMMENT ON TABLE portfolio_openings IS 'When a contact was last written to by a template outside the 24 hours, by the portfolio that WhatsApp counts in.';
CREATE INDEX portfolio_openings_recent ON portfolio_openings (organization_id, portfolio, opened_at);
CREATE INDEX portfolio_openings_by_contact ON portfolio_openings (contact_id);
ALTER TABLE portfolio_openings ENABLE ROW LEVEL SECURITY;
ALTER TABLE portfolio_openings FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON portfolio_openings TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, UPDATE, DELETE ON portfolio_openings TO :app;

-- What a number may do just now. `brake` is the share of its rate that is used, 1 when nothing is wrong.
ALTER TABLE channels
    ADD COLUMN brake real NOT NULL DEFAULT 1 CHECK (brake > 0 AND brake <= 1),
    ADD COLUMN brake_code text NOT NULL DEFAULT '',
    ADD COLUMN braked_at timestamptz,
    ADD COLUMN quality text NOT NULL DEFAULT 'UNKNOWN' CHECK (quality IN ('GREEN', 'YELLOW', 'RED', 'UNKNOWN')),
    ADD COLUMN portfolio text NOT NULL DEFAULT '',
    ADD COLUMN daily_limit integer CHECK (daily_limit > 0);
COMMENT ON COLUMN channels.portfolio IS 'The business portfolio in which WhatsApp counts whom it writes to; empty: its business account.';
COMMENT ON COLUMN channels.daily_limit IS 'How many people may be written to first within 24 hours; empty when it is not known or there is no limit.';
CREATE INDEX channels_braked ON channels (braked_at) WHERE brake < 1;
CREATE POLICY easing ON channels FOR UPDATE TO :loops USING (true);
GRANT UPDATE (brake, brake_code, braked_at) ON channels TO :loops;
CREATE FUNCTION ease_brakes(after interval, by_factor real)
    RETURNS TABLE (id uuid, organization_id uuid, kind text, rate integer, brake real)
    LANGUAGE sql SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        UPDATE channels AS c
        SET brake = least(c.brake * by_factor, CASE c.quality WHEN 'RED' THEN 0.2 WHEN 'YELLOW' THEN 0.5 ELSE 1 END),
            brake_code = CASE WHEN c.brake * by_factor >= 1 THEN '' ELSE c.brake_code END, braked_at = kit_now()
        WHERE c.id IN (
            SELECT due.id FROM channels AS due
            WHERE due.brake < CASE due.quality WHEN 'RED' THEN 0.2 WHEN 'YELLOW' THEN 0.5 ELSE 1 END
              AND due.braked_at <= kit_now() - after
            ORDER BY due.id LIMIT 100 FOR UPDATE SKIP LOCKED
        )
        RETURNING c.id, c.organization_id, c.kind, c.rate, c.brake
    $$;
REVOKE ALL ON FUNCTION ease_brakes(interval, real) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ease_brakes(interval, real) TO :app;
ALTER FUNCTION ease_brakes(interval, real) OWNER TO :loops;
