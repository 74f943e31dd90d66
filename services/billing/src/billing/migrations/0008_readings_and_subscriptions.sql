-- What is to be read again at Stripe, and the subscriptions that were read.

CREATE TABLE readings (
    organization_id uuid NOT NULL,
    object_id       text NOT NULL CHECK (length(object_id) BETWEEN 1 AND 255),
    object_type     text NOT NULL,
    asked           bigint NOT NULL DEFAULT 1,
    applied         bigint NOT NULL DEFAULT 0,
    effect_id       uuid,
    asked_at        timestamptz NOT NULL DEFAULT kit_now(),
    applied_at      timestamptz,
    PRIMARY KEY (organization_id, object_id),
    CHECK (applied <= asked)
);
COMMENT ON TABLE readings IS 'Objects of Stripe that we follow. asked counts the hints; a reading takes the count before it reads as its ticket and is applied only over an older one; effect_id is the one reading under way.';
CREATE UNIQUE INDEX readings_by_effect ON readings (effect_id) WHERE effect_id IS NOT NULL;
ALTER TABLE readings ENABLE ROW LEVEL SECURITY;
ALTER TABLE readings FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON readings TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, UPDATE ON readings TO :app;

CREATE TABLE subscriptions (
    id                     uuid PRIMARY KEY,
    organization_id        uuid NOT NULL,
    stripe_subscription_id text NOT NULL UNIQUE,
    stripe_customer_id     text NOT NULL,
    stripe_item_id         text NOT NULL,
    stripe_seat_item_id    text,
    stripe_schedule_id     text,
    stripe_created_at      timestamptz NOT NULL,
    status                 text NOT NULL,
    state                  text NOT NULL CHECK (state IN (
        'incomplete', 'trialing', 'active', 'past_due', 'restricted', 'paused', 'cancelling', 'ended')),
    plan                   text NOT NULL,
    catalogue_version      integer NOT NULL,
    billed_every           text NOT NULL CHECK (billed_every IN ('month', 'year')),
    currency               text NOT NULL CHECK (currency ~ '^[a-z]{3}$'),
    seats                  integer NOT NULL CHECK (seats >= 0),
    period_start           timestamptz NOT NULL,
    period_end             timestamptz NOT NULL,
    started_at             timestamptz NOT NULL,
    trial_ends_at          timestamptz,
    cancel_at              timestamptz,
    ended_at               timestamptz,
    end_reason             text NOT NULL,
    collection_paused      boolean NOT NULL,
    past_due_since         timestamptz,
    grace_until            timestamptz,
    pending_until          timestamptz,
    trial_ending_told_at   timestamptz,
    version                bigint NOT NULL DEFAULT 1,
    changed_at             timestamptz NOT NULL DEFAULT kit_now(),
    CHECK (period_start <= period_end)
);
COMMENT ON TABLE subscriptions IS 'The mirror of Stripe''s subscriptions, written by readings alone. A period is half open: period_start belongs to it, period_end to the next.';
CREATE INDEX subscriptions_of_organization ON subscriptions (organization_id, started_at DESC, id);
CREATE INDEX subscriptions_grace_to_end ON subscriptions (grace_until) WHERE state = 'past_due';
CREATE INDEX subscriptions_trial_to_tell ON subscriptions (trial_ends_at)
    WHERE trial_ending_told_at IS NULL AND status = 'trialing';
CREATE INDEX subscriptions_by_creation ON subscriptions (stripe_created_at, id);
ALTER TABLE subscriptions ENABLE ROW LEVEL SECURITY;
ALTER TABLE subscriptions FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON subscriptions TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
CREATE POLICY following ON subscriptions FOR SELECT TO :loops USING (true);
GRANT SELECT, INSERT, UPDATE ON subscriptions TO :app;
GRANT SELECT (organization_id, state, status, grace_until, trial_ends_at, trial_ending_told_at)
    ON subscriptions TO :loops;

CREATE FUNCTION organizations_with_ended_grace(at_most integer)
    RETURNS TABLE (organization_id uuid) LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT DISTINCT due.organization_id FROM (
            SELECT s.organization_id FROM subscriptions AS s
            WHERE s.state = 'past_due' AND s.grace_until <= kit_now() ORDER BY s.grace_until LIMIT at_most
        ) AS due
    $$;
REVOKE ALL ON FUNCTION organizations_with_ended_grace(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION organizations_with_ended_grace(integer) TO :app;
ALTER FUNCTION organizations_with_ended_grace(integer) OWNER TO :loops;

CREATE FUNCTION organizations_with_ending_trials(within interval, at_most integer)
    RETURNS TABLE (organization_id uuid) LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT DISTINCT due.organization_id FROM (
            SELECT s.organization_id FROM subscriptions AS s
            WHERE s.trial_ending_told_at IS NULL AND s.status = 'trialing'
              AND s.trial_ends_at <= kit_now() + within
            ORDER BY s.trial_ends_at LIMIT at_most
        ) AS due
    $$;
REVOKE ALL ON FUNCTION organizations_with_ending_trials(interval, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION organizations_with_ending_trials(interval, integer) TO :app;
ALTER FUNCTION organizations_with_ending_trials(interval, integer) OWNER TO :loops;
