-- What each organization may use, as billing last said, and what it has used: for the meters that this service owns.

CREATE TABLE quota_limits (
    organization_id uuid PRIMARY KEY,
    plan            text NOT NULL,
    limits          jsonb NOT NULL,
    version         bigint NOT NULL,
    heard_at        timestamptz NOT NULL DEFAULT kit_now()
);
COMMENT ON TABLE quota_limits IS 'Projection of billing''s entitlements: the newest snapshot heard of; a meter that is absent is not included, null is without limit.';
ALTER TABLE quota_limits ENABLE ROW LEVEL SECURITY;
ALTER TABLE quota_limits FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON quota_limits TO :app USING (
    organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[])
);
GRANT SELECT, INSERT, UPDATE ON quota_limits TO :app;

CREATE TABLE quota_usage (
    organization_id uuid NOT NULL,
    meter           text NOT NULL,
    period          date NOT NULL,
    used            bigint NOT NULL DEFAULT 0 CHECK (used >= 0),
    reserved        bigint NOT NULL DEFAULT 0 CHECK (reserved >= 0),
    warned          smallint NOT NULL DEFAULT 0,
    PRIMARY KEY (organization_id, meter, period)
);
COMMENT ON TABLE quota_usage IS 'Per meter and month (or, for what is held, for ever) what was used and what is reserved; warned is the highest threshold, in percent, that was told.';
ALTER TABLE quota_usage ENABLE ROW LEVEL SECURITY;
ALTER TABLE quota_usage FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON quota_usage TO :app USING (
    organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[])
);
GRANT SELECT, INSERT, UPDATE, DELETE ON quota_usage TO :app;

CREATE TABLE quota_reservations (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    meter           text NOT NULL,
    period          date NOT NULL,
    amount          bigint NOT NULL CHECK (amount > 0),
    expires_at      timestamptz NOT NULL,
    lapsed_at       timestamptz
);
COMMENT ON TABLE quota_reservations IS 'What was set aside for work under way. One that nobody settled in time lapses: its amount is free again, the row tells for a month that it was there.';
CREATE INDEX quota_reservations_due ON quota_reservations (expires_at) WHERE lapsed_at IS NULL;
CREATE INDEX quota_reservations_lapsed ON quota_reservations (lapsed_at) WHERE lapsed_at IS NOT NULL;
ALTER TABLE quota_reservations ENABLE ROW LEVEL SECURITY;
ALTER TABLE quota_reservations FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON quota_reservations TO :app USING (
    organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[])
);
GRANT SELECT, INSERT, UPDATE, DELETE ON quota_reservations TO :app;

-- Reservations of all organizations lapse in one go; what is old goes.
CREATE POLICY lapsing ON quota_reservations TO :loops USING (true) WITH CHECK (true);
CREATE POLICY lapsing ON quota_usage TO :loops USING (true) WITH CHECK (true);
GRANT SELECT, UPDATE, DELETE ON quota_reservations, quota_usage TO :loops;

CREATE FUNCTION quota_lapse(at_most integer) RETURNS integer
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        WITH due AS (
            SELECT r.id FROM quota_reservations AS r
            WHERE r.lapsed_at IS NULL AND r.expires_at <= kit_now()
            ORDER BY r.expires_at LIMIT at_most FOR UPDATE SKIP LOCKED
        ), lapsed AS (
            UPDATE quota_reservations AS r SET lapsed_at = kit_now()
            FROM due WHERE r.id = due.id
            RETURNING r.organization_id, r.meter, r.period, r.amount
        ), freed AS (
            UPDATE quota_usage AS u SET reserved = u.reserved - sums.amount
            FROM (
                SELECT l.organization_id, l.meter, l.period, sum(l.amount)::bigint AS amount
                FROM lapsed AS l GROUP BY 1, 2, 3
            ) AS sums
            WHERE u.organization_id = sums.organization_id AND u.meter = sums.meter AND u.period = sums.period
        )
        SELECT count(*)::integer FROM lapsed
    $$;
REVOKE ALL ON FUNCTION quota_lapse(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION quota_lapse(integer) TO :app;
ALTER FUNCTION quota_lapse(integer) OWNER TO :loops;

CREATE INDEX quota_usage_by_period ON quota_usage (period);
CREATE FUNCTION quota_forget(at_most integer) RETURNS integer
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        WITH reservations AS (
            DELETE FROM quota_reservations WHERE id IN (
                SELECT r.id FROM quota_reservations AS r
                WHERE r.lapsed_at < kit_now() - interval '31 days' LIMIT at_most
            )
            RETURNING 1
        ), months AS (
            DELETE FROM quota_usage WHERE ctid IN (
                SELECT u.ctid FROM quota_usage AS u
                WHERE u.period > '-infinity' AND u.period < (kit_now() - interval '25 months')::date LIMIT at_most
            )
            RETURNING 1
        )
        SELECT greatest((SELECT count(*) FROM reservations), (SELECT count(*) FROM months))::integer
    $$;
REVOKE ALL ON FUNCTION quota_forget(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION quota_forget(integer) TO :app;
ALTER FUNCTION quota_forget(integer) OWNER TO :loops;
