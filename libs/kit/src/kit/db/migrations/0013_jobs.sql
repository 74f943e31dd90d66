-- Bulk work: jobs and their items. Shown times are the platform's, kit_now(); turns and rates go by the server's own.

CREATE TABLE jobs (
    id              uuid PRIMARY KEY,
    organization_id uuid,
    kind            text NOT NULL,
    submit_key      text NOT NULL CHECK (length(submit_key) BETWEEN 1 AND 200),
    submitted_by    uuid,
    parameters      jsonb NOT NULL DEFAULT '{}',
    state           text NOT NULL DEFAULT 'queued'
        CHECK (state IN ('queued', 'finding', 'working', 'reviving', 'finished', 'cancelled', 'failed')),
    listed          boolean NOT NULL,
    cursor          jsonb,
    numbered        bigint NOT NULL DEFAULT 0,
    total           bigint NOT NULL DEFAULT 0,
    done            bigint NOT NULL DEFAULT 0,
    failed          bigint NOT NULL DEFAULT 0,
    skipped         bigint NOT NULL DEFAULT 0,
    handed          bigint NOT NULL DEFAULT 0,
    ready_at        timestamptz NOT NULL,
    served_at       timestamptz,
    troubles        integer NOT NULL DEFAULT 0,
    code            text NOT NULL DEFAULT '',
    rate            double precision,
    marked_at       timestamptz,
    marked          bigint NOT NULL DEFAULT 0,
    created_at      timestamptz NOT NULL DEFAULT kit_now(),
    started_at      timestamptz,
    ended_at        timestamptz,
    UNIQUE NULLS NOT DISTINCT (organization_id, kind, submit_key),
    CHECK ((state IN ('finished', 'cancelled', 'failed')) = (ended_at IS NOT NULL))
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
COMMENT ON TABLE jobs IS 'One row per bulk work; counts are moved in the commit that works a batch, handed are items that the ledger has now.';
CREATE INDEX jobs_open ON jobs (ready_at) WHERE ended_at IS NULL;
CREATE INDEX jobs_by_tenant ON jobs (organization_id, id);
CREATE INDEX jobs_ended ON jobs (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX jobs_by_submitter ON jobs (submitted_by) WHERE submitted_by IS NOT NULL;

CREATE TABLE job_items (
    job_id          uuid NOT NULL,
    number          bigint NOT NULL,
    organization_id uuid,
    subject_id      uuid,
    state           text NOT NULL DEFAULT 'waiting'
        CHECK (state IN ('waiting', 'handed', 'done', 'failed', 'skipped')),
    code            text NOT NULL DEFAULT '',
    reason          text NOT NULL DEFAULT '',
    settled_at      timestamptz,
    PRIMARY KEY (job_id, number)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
COMMENT ON TABLE job_items IS 'One row per item of a job, in the order in which they were found; a subject is at most once in a job.';
CREATE INDEX job_items_waiting ON job_items (job_id, number) WHERE state IN ('waiting', 'handed');
CREATE INDEX job_items_failed ON job_items (job_id, number) WHERE state = 'failed';
CREATE INDEX job_items_skipped ON job_items (job_id, number) WHERE state = 'skipped';
CREATE UNIQUE INDEX job_items_once ON job_items (job_id, subject_id) WHERE subject_id IS NOT NULL;
CREATE INDEX job_items_by_subject ON job_items (subject_id) WHERE subject_id IS NOT NULL;

ALTER TABLE jobs ENABLE ROW LEVEL SECURITY;
ALTER TABLE jobs FORCE ROW LEVEL SECURITY;
ALTER TABLE job_items ENABLE ROW LEVEL SECURITY;
ALTER TABLE job_items FORCE ROW LEVEL SECURITY;
-- Jobs of the platform itself are there without any tenant.
CREATE POLICY tenant ON jobs TO :app USING (
    organization_id IS NULL
    OR organization_id = ANY ((SELECT coalesce(nullif(current_setting('app.orgs', true), ''), '{}')::uuid[])::uuid[])
);
CREATE POLICY tenant ON job_items TO :app USING (
    organization_id IS NULL
    OR organization_id = ANY ((SELECT coalesce(nullif(current_setting('app.orgs', true), ''), '{}')::uuid[])::uuid[])
);
GRANT SELECT, INSERT, UPDATE ON jobs TO :app;
GRANT SELECT, INSERT, UPDATE ON job_items TO :app;

CREATE POLICY working ON jobs TO :loops USING (true);
CREATE POLICY working ON job_items TO :loops USING (true);
GRANT SELECT, UPDATE, DELETE ON jobs TO :loops;
GRANT SELECT, DELETE ON job_items TO :loops;

-- Whose turn it is: the tenant that has waited longest, and of its jobs the one that has.
CREATE FUNCTION jobs_turn(kinds text[]) RETURNS TABLE (id uuid, organization_id uuid)
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        WITH tenants AS (
            SELECT coalesce(organization_id, '00000000-0000-0000-0000-000000000000') AS tenant,
                   max(served_at) AS served_at
            FROM jobs WHERE ended_at IS NULL GROUP BY 1
        )
        UPDATE jobs SET served_at = clock_timestamp()
        WHERE jobs.id = (
            SELECT j.id FROM jobs AS j
            JOIN tenants AS t ON t.tenant = coalesce(j.organization_id, '00000000-0000-0000-0000-000000000000')
            WHERE j.ended_at IS NULL AND j.ready_at <= kit_now() AND j.kind = ANY (kinds)
            ORDER BY t.served_at NULLS FIRST, j.served_at NULLS FIRST, j.id
            LIMIT 1 FOR NO KEY UPDATE OF j
        )
        RETURNING jobs.id, jobs.organization_id
    $$;
REVOKE ALL ON FUNCTION jobs_turn(text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION jobs_turn(text[]) TO :app;
ALTER FUNCTION jobs_turn(text[]) OWNER TO :loops;

-- In how many seconds the next job is ready; null when none waits.
CREATE FUNCTION jobs_next(kinds text[]) RETURNS double precision
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT extract(epoch FROM min(ready_at) - kit_now())::double precision
        FROM jobs WHERE ended_at IS NULL AND kind = ANY (kinds)
    $$;
REVOKE ALL ON FUNCTION jobs_next(text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION jobs_next(text[]) TO :app;
ALTER FUNCTION jobs_next(text[]) OWNER TO :loops;

-- How many jobs and items of all tenants wait, by kind, and what ended within a day.
CREATE FUNCTION jobs_measure(kinds text[])
    RETURNS TABLE (kind text, queued bigint, running bigint, left_over bigint, rate double precision,
                   oldest double precision, finished bigint, cancelled bigint, failed bigint)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT wanted.kind, coalesce(o.queued, 0), coalesce(o.running, 0), coalesce(o.left_over, 0)::bigint,
               coalesce(o.rate, 0), coalesce(o.oldest, 0),
               coalesce(e.finished, 0), coalesce(e.cancelled, 0), coalesce(e.failed, 0)
        FROM unnest(kinds) AS wanted (kind)
        LEFT JOIN (
            SELECT j.kind, count(*) FILTER (WHERE j.state = 'queued') AS queued,
                   count(*) FILTER (WHERE j.state <> 'queued') AS running,
                   sum(j.total - j.done - j.failed - j.skipped) AS left_over, sum(j.rate) AS rate,
                   extract(epoch FROM kit_now() - min(j.ready_at) FILTER (WHERE j.ready_at <= kit_now()))::float8 AS oldest
            FROM jobs AS j WHERE j.ended_at IS NULL GROUP BY j.kind
        ) AS o ON o.kind = wanted.kind
        LEFT JOIN (
            SELECT j.kind, count(*) FILTER (WHERE j.state = 'finished') AS finished,
                   count(*) FILTER (WHERE j.state = 'cancelled') AS cancelled,
                   count(*) FILTER (WHERE j.state = 'failed') AS failed
            FROM jobs AS j WHERE j.ended_at > kit_now() - interval '1 day' GROUP BY j.kind
        ) AS e ON e.kind = wanted.kind
    $$;
REVOKE ALL ON FUNCTION jobs_measure(text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION jobs_measure(text[]) TO :app;
ALTER FUNCTION jobs_measure(text[]) OWNER TO :loops;

-- Deletes items, and then jobs, that ended long ago; returns how many rows went.
CREATE FUNCTION jobs_purge(older_than interval, at_most integer) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
    DECLARE
        ended uuid;
        items bigint := 0;
    BEGIN
        SELECT id INTO ended FROM jobs WHERE ended_at < kit_now() - older_than
        ORDER BY ended_at LIMIT 1 FOR UPDATE SKIP LOCKED;
        IF ended IS NULL THEN
            RETURN 0;
        END IF;
        DELETE FROM job_items WHERE job_id = ended
            AND number IN (SELECT number FROM job_items WHERE job_id = ended ORDER BY number LIMIT at_most);
        GET DIAGNOSTICS items = ROW_COUNT;
        IF items < at_most THEN
            DELETE FROM jobs WHERE id = ended;
            items := items + 1;
        END IF;
        RETURN items;
    END
    $$;
REVOKE ALL ON FUNCTION jobs_purge(interval, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION jobs_purge(interval, integer) TO :app;
ALTER FUNCTION jobs_purge(interval, integer) OWNER TO :loops;
