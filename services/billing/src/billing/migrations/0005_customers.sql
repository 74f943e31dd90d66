-- Whom Stripe charges: one customer per organization.

CREATE TABLE customers (
    organization_id uuid PRIMARY KEY,
    id              uuid NOT NULL UNIQUE,
    stripe_id       text COLLATE "C" UNIQUE,
    state           text NOT NULL DEFAULT 'making' CHECK (state IN ('making', 'made', 'refused')),
    details         bytea,
    details_id      uuid UNIQUE,
    details_by      uuid,
    details_state   text NOT NULL DEFAULT 'none' CHECK (details_state IN ('none', 'telling', 'told', 'refused')),
    details_reason  text NOT NULL DEFAULT '',
    version         bigint NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL DEFAULT kit_now(),
    changed_at      timestamptz NOT NULL DEFAULT kit_now(),
    CHECK ((state = 'made') = (stripe_id IS NOT NULL)),
    CHECK (details IS NULL OR details_id IS NOT NULL)
);
COMMENT ON TABLE customers IS 'The customer that an organization is at Stripe. id is our row''s, from which the idempotency key is made. details are sealed; details_id names this version of them, details_state whether Stripe has it.';
CREATE INDEX customers_by_giver ON customers (details_by) WHERE details_by IS NOT NULL;
ALTER TABLE customers ENABLE ROW LEVEL SECURITY;
ALTER TABLE customers FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON customers TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
CREATE POLICY finding ON customers FOR SELECT TO :loops USING (true);
GRANT SELECT, INSERT, UPDATE ON customers TO :app;
GRANT SELECT (organization_id, stripe_id, details_by) ON customers TO :loops;

-- Whose customers of Stripe these are; webhooks name nobody else.
CREATE FUNCTION owners_of_customers(wanted text[])
    RETURNS TABLE (stripe_id text, organization_id uuid) LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT c.stripe_id, c.organization_id FROM customers AS c WHERE c.stripe_id = ANY (wanted)
    $$;
REVOKE ALL ON FUNCTION owners_of_customers(text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION owners_of_customers(text[]) TO :app;
ALTER FUNCTION owners_of_customers(text[]) OWNER TO :loops;
