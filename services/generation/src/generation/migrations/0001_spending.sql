-- What each call of a model may cost and did cost, and what an organization may spend on them in a month.

CREATE TABLE budgets (
    organization_id uuid PRIMARY KEY,
    monthly         bigint NOT NULL CHECK (monthly >= 0),
    changed_by      uuid,
    version         bigint NOT NULL DEFAULT 1,
    changed_at      timestamptz NOT NULL DEFAULT kit_now()
);
COMMENT ON TABLE budgets IS 'What an organization lets generation spend in a month, in millionths of a US dollar; one without a row has the default of the settings.';
CREATE INDEX budgets_by ON budgets (changed_by) WHERE changed_by IS NOT NULL;
ALTER TABLE budgets ENABLE ROW LEVEL SECURITY;
ALTER TABLE budgets FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON budgets TO :app USING (
    organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[])
);
GRANT SELECT, INSERT, UPDATE ON budgets TO :app;

CREATE TABLE spending (
    organization_id uuid NOT NULL,
    month           date NOT NULL,
    reserved        bigint NOT NULL DEFAULT 0 CHECK (reserved >= 0),
    spent           bigint NOT NULL DEFAULT 0 CHECK (spent >= 0),
    warned          integer NOT NULL DEFAULT 0,
    PRIMARY KEY (organization_id, month)
);
COMMENT ON TABLE spending IS 'What an organization has spent in a calendar month (UTC) and has set aside for calls under way, in millionths of a US dollar; warned is the threshold in per cent that was told last.';
ALTER TABLE spending ENABLE ROW LEVEL SECURITY;
ALTER TABLE spending FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON spending TO :app USING (
    organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[])
);
GRANT SELECT, INSERT, UPDATE ON spending TO :app;

CREATE TABLE calls (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    user_id         uuid,
    work_id         uuid NOT NULL,
    feature         text NOT NULL,
    provider        text NOT NULL,
    model           text NOT NULL,
    status          text NOT NULL CHECK (status IN ('calling', 'done', 'broken', 'refused', 'unanswered')),
    saved_by        text NOT NULL DEFAULT '',
    month           date NOT NULL,
    reserved        bigint NOT NULL CHECK (reserved >= 0),
    cost            bigint NOT NULL DEFAULT 0 CHECK (cost >= 0),
    plain           bigint NOT NULL DEFAULT 0 CHECK (plain >= 0),
    input_tokens    integer NOT NULL DEFAULT 0 CHECK (input_tokens >= 0),
    cached_tokens   integer NOT NULL DEFAULT 0 CHECK (cached_tokens >= 0),
    output_tokens   integer NOT NULL DEFAULT 0 CHECK (output_tokens >= 0),
    milliseconds    integer NOT NULL DEFAULT 0 CHECK (milliseconds >= 0),
    code            text NOT NULL DEFAULT '',
    leased_until    timestamptz,
    started_at      timestamptz NOT NULL DEFAULT kit_now(),
    ended_at        timestamptz,
    CONSTRAINT a_call_under_way_has_a_lease CHECK ((status = 'calling') = (leased_until IS NOT NULL))
);
COMMENT ON TABLE calls IS 'Each call of a model: what was set aside for it, and what it cost. done: answered; broken: the answer ended midway and is billed for what came; refused: proven not to be billed; unanswered: nobody knows, so all that was set aside counts as spent until an answer corrects it. plain is what the same would have cost without routing, cache and batch; saved_by names what saved it.';
CREATE INDEX calls_newest ON calls (organization_id, started_at DESC, id DESC);
CREATE INDEX calls_of_work ON calls (work_id);
CREATE INDEX calls_leased ON calls (leased_until) WHERE leased_until IS NOT NULL;
CREATE INDEX calls_by ON calls (user_id, id) WHERE user_id IS NOT NULL;
ALTER TABLE calls ENABLE ROW LEVEL SECURITY;
ALTER TABLE calls FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON calls TO :app USING (
    organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[])
);
GRANT SELECT, INSERT, UPDATE ON calls TO :app;

-- Calls whose process is gone: what was set aside is spent, since it may have been billed.
CREATE POLICY lapsing ON calls TO :loops USING (true);
GRANT SELECT, UPDATE ON calls TO :loops;
CREATE POLICY lapsing ON spending TO :loops USING (true);
GRANT SELECT, UPDATE ON spending TO :loops;
CREATE FUNCTION calls_lapse(at_most integer) RETURNS TABLE (id uuid, organization_id uuid, work_id uuid)
    LANGUAGE sql SECURITY DEFINER SET search_path = :schema, kit, pg_temp
    AS $$
        WITH lapsed AS (
            UPDATE calls SET status = 'unanswered', leased_until = NULL, cost = calls.reserved, plain = calls.reserved,
                code = 'process_gone', ended_at = kit_now()
            WHERE calls.id IN (
                SELECT due.id FROM calls AS due
                WHERE due.leased_until < kit_now() ORDER BY due.leased_until LIMIT at_most FOR UPDATE SKIP LOCKED
            )
            RETURNING calls.id, calls.organization_id, calls.work_id, calls.month, calls.reserved
        ), sums AS (
            SELECT lapsed.organization_id, lapsed.month, sum(lapsed.reserved)::bigint AS amount
            FROM lapsed GROUP BY 1, 2
        ), counted AS (
            UPDATE spending SET reserved = spending.reserved - sums.amount, spent = spending.spent + sums.amount
            FROM sums
            WHERE spending.organization_id = sums.organization_id AND spending.month = sums.month
        )
        SELECT lapsed.id, lapsed.organization_id, lapsed.work_id FROM lapsed
    $$;
REVOKE ALL ON FUNCTION calls_lapse(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION calls_lapse(integer) TO :app;
ALTER FUNCTION calls_lapse(integer) OWNER TO :loops;

-- Where a user is known, for those who are asked about them without an organization.
CREATE POLICY looking ON budgets FOR SELECT TO :loops USING (true);
GRANT SELECT (organization_id, changed_by) ON budgets TO :loops;
CREATE FUNCTION organizations_of_user(wanted uuid) RETURNS TABLE (organization_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT one.organization_id FROM calls AS one WHERE one.user_id = wanted
        UNION
        SELECT one.organization_id FROM budgets AS one WHERE one.changed_by = wanted
    $$;
REVOKE ALL ON FUNCTION organizations_of_user(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION organizations_of_user(uuid) TO :app;
ALTER FUNCTION organizations_of_user(uuid) OWNER TO :loops;
