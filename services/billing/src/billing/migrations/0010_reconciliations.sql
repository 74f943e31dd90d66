-- Every night what we hold is compared with what Stripe holds; what differs is read again.

CREATE TABLE reconciliations (
    id           uuid PRIMARY KEY,
    asked_by     text NOT NULL CHECK (asked_by IN ('night', 'staff')),
    state        text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'running', 'done')),
    due_at       timestamptz NOT NULL,
    leased_until timestamptz,
    fence        bigint NOT NULL DEFAULT 0,
    object_type  text,
    compared_to  timestamptz,
    compared     bigint NOT NULL DEFAULT 0,
    found        bigint NOT NULL DEFAULT 0,
    failures     integer NOT NULL DEFAULT 0,
    trouble      text NOT NULL DEFAULT '',
    started_at   timestamptz,
    ended_at     timestamptz,
    created_at   timestamptz NOT NULL DEFAULT kit_now()
);
COMMENT ON TABLE reconciliations IS 'Comparisons of everything with Stripe, which go through the types and their windows of time: object_type and compared_to say how far. One that died goes on where it was.';
CREATE UNIQUE INDEX reconciliations_one_waiting ON reconciliations (asked_by) WHERE state <> 'done';
CREATE INDEX reconciliations_due ON reconciliations (due_at) WHERE state <> 'done';
GRANT SELECT, INSERT, UPDATE ON reconciliations TO :app;

CREATE TABLE drifts (
    id                uuid PRIMARY KEY,
    reconciliation_id uuid NOT NULL REFERENCES reconciliations,
    organization_id   uuid,
    object_type       text NOT NULL,
    object_id         text NOT NULL,
    finding           text NOT NULL CHECK (finding IN ('differs', 'missing_here', 'missing_there', 'nobodys')),
    fields            text[] NOT NULL,
    found_at          timestamptz NOT NULL DEFAULT kit_now(),
    repaired_at       timestamptz
);
COMMENT ON TABLE drifts IS 'What was found to differ from Stripe. repaired_at is when the object had been read again, or was found to be the same.';
CREATE UNIQUE INDEX drifts_unrepaired ON drifts (object_id) WHERE repaired_at IS NULL;
CREATE INDEX drifts_by_age ON drifts (id DESC);
GRANT SELECT, INSERT, UPDATE ON drifts TO :app;

GRANT SELECT (id, stripe_created_at, stripe_subscription_id) ON subscriptions TO :loops;

CREATE FUNCTION subscriptions_created(since timestamptz, until timestamptz, after uuid, at_most integer)
    RETURNS TABLE (id uuid, organization_id uuid, object_id text) LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT s.id, s.organization_id, s.stripe_subscription_id FROM subscriptions AS s
        WHERE s.stripe_created_at >= since AND s.stripe_created_at < until AND s.id > after
        ORDER BY s.id LIMIT at_most
    $$;
REVOKE ALL ON FUNCTION subscriptions_created(timestamptz, timestamptz, uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION subscriptions_created(timestamptz, timestamptz, uuid, integer) TO :app;
ALTER FUNCTION subscriptions_created(timestamptz, timestamptz, uuid, integer) OWNER TO :loops;
