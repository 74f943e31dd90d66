-- Money is compared with Stripe's every night, too, by the time at which Stripe has created it. `subscriptions_created` is
-- asked by nobody any more; it goes in a later release.

ALTER TABLE refunds ADD COLUMN stripe_created_at timestamptz;
COMMENT ON COLUMN refunds.stripe_created_at IS 'When Stripe has made it; what was asked for here is older.';
GRANT UPDATE (stripe_created_at) ON refunds TO :app;
ALTER TABLE credit_notes ADD COLUMN stripe_created_at timestamptz;
COMMENT ON COLUMN credit_notes.stripe_created_at IS 'When Stripe has made it; what was asked for here is older.';
GRANT UPDATE (stripe_created_at) ON credit_notes TO :app;

CREATE INDEX invoices_by_creation ON invoices (created_at, id);
CREATE INDEX payments_by_creation ON payments (created_at, id);
CREATE INDEX refunds_by_creation ON refunds (coalesce(stripe_created_at, created_at), id) WHERE stripe_id IS NOT NULL;
CREATE INDEX credit_notes_by_creation ON credit_notes (coalesce(stripe_created_at, created_at), id)
    WHERE stripe_id IS NOT NULL;
CREATE INDEX disputes_by_creation ON disputes (created_at, id);

CREATE POLICY comparing ON invoices FOR SELECT TO :loops USING (true);
CREATE POLICY comparing ON refunds FOR SELECT TO :loops USING (true);
CREATE POLICY comparing ON credit_notes FOR SELECT TO :loops USING (true);
CREATE POLICY comparing ON disputes FOR SELECT TO :loops USING (true);
GRANT SELECT (id, organization_id, stripe_id, created_at) ON invoices TO :loops;
GRANT SELECT (id, organization_id, stripe_id, created_at) ON payments TO :loops;
GRANT SELECT (id, organization_id, stripe_id, created_at, stripe_created_at) ON refunds TO :loops;
GRANT SELECT (id, organization_id, stripe_id, created_at, stripe_created_at) ON credit_notes TO :loops;
GRANT SELECT (id, organization_id, stripe_id, created_at) ON disputes TO :loops;

-- What we hold of a type and Stripe has created from `since` (there: after this id) on and before `until`.
CREATE FUNCTION held_of_stripe(kind text, since timestamptz, until timestamptz, after uuid, at_most integer)
    RETURNS TABLE (id uuid, organization_id uuid, object_id text, created_at timestamptz)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = :schema, kit, pg_temp
    AS $$
    BEGIN
        CASE kind
        WHEN 'subscription' THEN RETURN QUERY
            SELECT s.id, s.organization_id, s.stripe_subscription_id, s.stripe_created_at FROM subscriptions AS s
            WHERE (s.stripe_created_at, s.id) > (since, after) AND s.stripe_created_at < until
            ORDER BY s.stripe_created_at, s.id LIMIT at_most;
        WHEN 'invoice' THEN RETURN QUERY
            SELECT i.id, i.organization_id, i.stripe_id, i.created_at FROM invoices AS i
            WHERE (i.created_at, i.id) > (since, after) AND i.created_at < until
            ORDER BY i.created_at, i.id LIMIT at_most;
        WHEN 'payment_intent' THEN RETURN QUERY
            SELECT p.id, p.organization_id, p.stripe_id, p.created_at FROM payments AS p
            WHERE (p.created_at, p.id) > (since, after) AND p.created_at < until
            ORDER BY p.created_at, p.id LIMIT at_most;
        WHEN 'refund' THEN RETURN QUERY
            SELECT r.id, r.organization_id, r.stripe_id, coalesce(r.stripe_created_at, r.created_at) FROM refunds AS r
            WHERE r.stripe_id IS NOT NULL AND (coalesce(r.stripe_created_at, r.created_at), r.id) > (since, after)
              AND coalesce(r.stripe_created_at, r.created_at) < until
            ORDER BY coalesce(r.stripe_created_at, r.created_at), r.id LIMIT at_most;
        WHEN 'credit_note' THEN RETURN QUERY
            SELECT n.id, n.organization_id, n.stripe_id, coalesce(n.stripe_created_at, n.created_at)
            FROM credit_notes AS n
            WHERE n.stripe_id IS NOT NULL AND (coalesce(n.stripe_created_at, n.created_at), n.id) > (since, after)
              AND coalesce(n.stripe_created_at, n.created_at) < until
            ORDER BY coalesce(n.stripe_created_at, n.created_at), n.id LIMIT at_most;
        WHEN 'dispute' THEN RETURN QUERY
            SELECT d.id, d.organization_id, d.stripe_id, d.created_at FROM disputes AS d
            WHERE (d.created_at, d.id) > (since, after) AND d.created_at < until
            ORDER BY d.created_at, d.id LIMIT at_most;
        END CASE;
    END
    $$;
REVOKE ALL ON FUNCTION held_of_stripe(text, timestamptz, timestamptz, uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION held_of_stripe(text, timestamptz, timestamptz, uuid, integer) TO :app;
ALTER FUNCTION held_of_stripe(text, timestamptz, timestamptz, uuid, integer) OWNER TO :loops;
