-- Coupons and the codes by which they are redeemed: made by staff, the same for every organization.

CREATE TABLE coupons (
    id           uuid PRIMARY KEY,
    name         text NOT NULL,
    percent_off  integer CHECK (percent_off BETWEEN 1 AND 100),
    amount_off   bigint CHECK (amount_off BETWEEN 1 AND 99999999),
    currency     text CHECK (currency ~ '^[a-z]{3}$'),
    duration     text NOT NULL CHECK (duration IN ('once', 'repeating', 'forever')),
    months       integer CHECK (months BETWEEN 1 AND 36),
    plans        text[] NOT NULL DEFAULT '{}',
    first_only   boolean NOT NULL DEFAULT false,
    most         integer CHECK (most > 0),
    taken        integer NOT NULL DEFAULT 0 CHECK (taken >= 0),
    expires_at   timestamptz,
    state        text NOT NULL DEFAULT 'making' CHECK (state IN ('making', 'made', 'refused', 'ended')),
    reason       text NOT NULL DEFAULT '',
    stripe_id    text COLLATE "C" UNIQUE,
    created_by   uuid NOT NULL,
    version      bigint NOT NULL DEFAULT 1,
    created_at   timestamptz NOT NULL DEFAULT kit_now(),
    CHECK (num_nonnulls(percent_off, amount_off) = 1),
    CHECK ((amount_off IS NULL) = (currency IS NULL)),
    CHECK ((duration = 'repeating') = (months IS NOT NULL)),
    CONSTRAINT coupons_cap CHECK (most IS NULL OR taken <= most)
);
COMMENT ON TABLE coupons IS 'Discounts. taken counts redemptions, those that wait for a payment included; it never exceeds most. No plans means all.';
GRANT SELECT, INSERT, UPDATE ON coupons TO :app;

CREATE TABLE promotion_codes (
    code         text PRIMARY KEY CHECK (code ~ '^[A-Z0-9-]{3,40}$'),
    id           uuid NOT NULL UNIQUE,
    coupon_id    uuid NOT NULL REFERENCES coupons,
    most         integer CHECK (most > 0),
    taken        integer NOT NULL DEFAULT 0 CHECK (taken >= 0),
    expires_at   timestamptz,
    ended_at     timestamptz,
    created_by   uuid NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT kit_now(),
    CONSTRAINT promotion_codes_cap CHECK (most IS NULL OR taken <= most)
);
COMMENT ON TABLE promotion_codes IS 'What people type to redeem a coupon; taken never exceeds most.';
CREATE INDEX promotion_codes_of_coupon ON promotion_codes (coupon_id);
GRANT SELECT, INSERT, UPDATE ON promotion_codes TO :app;

CREATE TABLE checkouts (
    id                     uuid PRIMARY KEY,
    organization_id        uuid NOT NULL,
    kind                   text NOT NULL CHECK (kind IN ('subscription', 'card', 'portal')),
    plan                   text,
    catalogue_version      integer,
    billed_every           text CHECK (billed_every IN ('month', 'year')),
    currency               text CHECK (currency ~ '^[a-z]{3}$'),
    seats                  integer NOT NULL DEFAULT 0 CHECK (seats BETWEEN 0 AND 1000),
    trial_days             integer NOT NULL DEFAULT 0 CHECK (trial_days >= 0),
    promotion_code         text,
    state                  text NOT NULL DEFAULT 'opening'
        CHECK (state IN ('opening', 'open', 'completed', 'expired', 'refused')),
    reason                 text NOT NULL DEFAULT '',
    code                   text NOT NULL DEFAULT '',
    stripe_session_id      text COLLATE "C" UNIQUE,
    stripe_subscription_id text COLLATE "C" UNIQUE,
    stripe_setup_id        text COLLATE "C",
    url                    bytea,
    created_by             uuid,
    expires_at             timestamptz,
    version                bigint NOT NULL DEFAULT 1,
    created_at             timestamptz NOT NULL DEFAULT kit_now(),
    changed_at             timestamptz NOT NULL DEFAULT kit_now(),
    CHECK ((kind = 'subscription') = (plan IS NOT NULL AND catalogue_version IS NOT NULL AND billed_every IS NOT NULL
                                      AND currency IS NOT NULL)),
    CHECK (url IS NULL OR state = 'open')
);
COMMENT ON TABLE checkouts IS 'Pages of Stripe''s to which a browser is sent: to subscribe, to give another card, to manage what there is. The address is sealed, and gone when the page is.';
CREATE UNIQUE INDEX checkouts_one_at_a_time ON checkouts (organization_id)
    WHERE kind = 'subscription' AND state IN ('opening', 'open');
CREATE INDEX checkouts_newest ON checkouts (organization_id, id DESC);
CREATE INDEX checkouts_by_person ON checkouts (created_by) WHERE created_by IS NOT NULL;
CREATE INDEX checkouts_to_expire ON checkouts (expires_at) WHERE state = 'open';
ALTER TABLE checkouts ENABLE ROW LEVEL SECURITY;
ALTER TABLE checkouts FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON checkouts TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
CREATE POLICY finding ON checkouts FOR SELECT TO :loops USING (true);
GRANT SELECT, INSERT, UPDATE ON checkouts TO :app;
GRANT SELECT (id, organization_id, state, kind, stripe_session_id, expires_at, created_by) ON checkouts TO :loops;

CREATE TABLE redemptions (
    organization_id uuid NOT NULL,
    coupon_id       uuid NOT NULL REFERENCES coupons,
    code            text NOT NULL REFERENCES promotion_codes,
    checkout_id     uuid NOT NULL UNIQUE REFERENCES checkouts,
    redeemed_at     timestamptz,
    created_at      timestamptz NOT NULL DEFAULT kit_now(),
    PRIMARY KEY (organization_id, coupon_id)
);
COMMENT ON TABLE redemptions IS 'A coupon is redeemed once by an organization; without redeemed_at it waits for the payment, and is given back when the checkout ends without one.';
ALTER TABLE redemptions ENABLE ROW LEVEL SECURITY;
ALTER TABLE redemptions FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON redemptions TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, UPDATE, DELETE ON redemptions TO :app;

CREATE TABLE trials (
    organization_id uuid PRIMARY KEY,
    customer_id     uuid NOT NULL UNIQUE,
    checkout_id     uuid NOT NULL UNIQUE REFERENCES checkouts,
    plan            text NOT NULL,
    redeemed_at     timestamptz,
    created_at      timestamptz NOT NULL DEFAULT kit_now()
);
COMMENT ON TABLE trials IS 'An organization tries once, whatever the plan; without redeemed_at the trial waits for its checkout.';
ALTER TABLE trials ENABLE ROW LEVEL SECURITY;
ALTER TABLE trials FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON trials TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, UPDATE, DELETE ON trials TO :app;

-- Whose checkout a browser comes back from; it must bring the session's id, which nobody else knows.
CREATE FUNCTION owner_of_checkout(wanted uuid, session text) RETURNS uuid LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$ SELECT c.organization_id FROM checkouts AS c WHERE c.id = wanted AND c.stripe_session_id = session $$;
REVOKE ALL ON FUNCTION owner_of_checkout(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION owner_of_checkout(uuid, text) TO :app;
ALTER FUNCTION owner_of_checkout(uuid, text) OWNER TO :loops;

CREATE FUNCTION checkouts_overdue(at_most integer)
    RETURNS TABLE (id uuid, organization_id uuid) LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT c.id, c.organization_id FROM checkouts AS c
        WHERE c.state = 'open' AND c.expires_at < kit_now() - interval '5 minutes'
        ORDER BY c.expires_at LIMIT at_most
    $$;
REVOKE ALL ON FUNCTION checkouts_overdue(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION checkouts_overdue(integer) TO :app;
ALTER FUNCTION checkouts_overdue(integer) OWNER TO :loops;

-- Where a user left something in billing.
CREATE FUNCTION organizations_of_user(wanted uuid)
    RETURNS TABLE (organization_id uuid) LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT one.organization_id FROM customers AS one WHERE one.details_by = wanted
        UNION
        SELECT one.organization_id FROM checkouts AS one WHERE one.created_by = wanted
    $$;
REVOKE ALL ON FUNCTION organizations_of_user(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION organizations_of_user(uuid) TO :app;
ALTER FUNCTION organizations_of_user(uuid) OWNER TO :loops;
