-- What is to be done in the outside world: lanes that share a pace, effects, what was tried, who is held.
--
-- Two clocks. Times that people choose or read (due_at, look_at, parked_until …) are the platform's, kit_now(). Leases,
-- slots and releases are the server's own, statement_timestamp(): moving the platform's clock neither ends a call that
-- runs nor lets a lane run faster.

CREATE TABLE ledger_lanes (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organization_id uuid,
    key             text NOT NULL,
    rate            double precision CHECK (rate > 0),
    next_slot       timestamptz,
    parked_until    timestamptz,
    ready_at        timestamptz,
    released_at     timestamptz,
    created_at      timestamptz NOT NULL DEFAULT kit_now(),
    UNIQUE NULLS NOT DISTINCT (organization_id, key)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
COMMENT ON TABLE ledger_lanes IS 'What shares one pace and takes turns with others; ready_at is its place in the queue, null when nothing waits.';
CREATE INDEX ledger_lanes_ready ON ledger_lanes (ready_at) WHERE ready_at IS NOT NULL;

CREATE TABLE ledger_entries (
    id              uuid PRIMARY KEY,
    kind            text NOT NULL,
    organization_id uuid,
    lane_id         bigint NOT NULL,
    subject_id      uuid NOT NULL,
    status          text NOT NULL DEFAULT 'pending'
        CHECK (status IN ('pending', 'calling', 'unknown', 'done', 'refused', 'cancelled', 'unconfirmed')),
    due_at          timestamptz NOT NULL,
    first_due_at    timestamptz NOT NULL,
    expires_at      timestamptz,
    attempt         integer NOT NULL DEFAULT 0,
    called_at       timestamptz,
    began_by        timestamptz,
    leased_until    timestamptz,
    look_at         timestamptz,
    looks           integer NOT NULL DEFAULT 0,
    blanks          integer NOT NULL DEFAULT 0,
    external_id     text,
    reason          text NOT NULL DEFAULT '',
    code            text NOT NULL DEFAULT '',
    settled_at      timestamptz,
    settled_by      text,
    created_at      timestamptz NOT NULL DEFAULT kit_now(),
    UNIQUE (kind, subject_id)
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.1);
COMMENT ON TABLE ledger_entries IS 'One row per effect outside; attempt is the fence of a claim, began_by the latest time its call can have begun, blanks the looks that found nothing.';
CREATE INDEX ledger_entries_pending ON ledger_entries (lane_id, due_at, id) WHERE status = 'pending';
CREATE INDEX ledger_entries_due ON ledger_entries (kind, due_at) WHERE status = 'pending';
CREATE INDEX ledger_entries_expiring ON ledger_entries (expires_at) WHERE status = 'pending' AND expires_at IS NOT NULL;
CREATE INDEX ledger_entries_calling ON ledger_entries (leased_until) WHERE status = 'calling';
CREATE INDEX ledger_entries_unknown ON ledger_entries (lane_id, look_at) WHERE status = 'unknown';
CREATE INDEX ledger_entries_open ON ledger_entries (kind, status) WHERE status IN ('unknown', 'unconfirmed');
CREATE INDEX ledger_entries_by_status ON ledger_entries (status, id);
CREATE INDEX ledger_entries_settled ON ledger_entries (settled_at) WHERE settled_at IS NOT NULL;

CREATE TABLE ledger_attempts (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    entry_id        uuid NOT NULL,
    organization_id uuid,
    number          integer NOT NULL,
    what            text NOT NULL CHECK (what IN ('call', 'look')),
    started_at      timestamptz NOT NULL,
    seconds         double precision NOT NULL,
    outcome         text NOT NULL,
    code            text NOT NULL DEFAULT '',
    said            text NOT NULL DEFAULT ''
);
COMMENT ON TABLE ledger_attempts IS 'One row per call or look: when, how long, what the other side said (redacted).';
CREATE INDEX ledger_attempts_of_entry ON ledger_attempts (entry_id, id);

CREATE TABLE ledger_wakes (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organization_id uuid,
    lane_id         bigint NOT NULL,
    due_at          timestamptz NOT NULL,
    parked_until    timestamptz
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
COMMENT ON TABLE ledger_wakes IS 'Lanes that have something to do from a time on; written beside the entries so that nobody who adds waits for a lane, drained by workers.';

CREATE TABLE ledger_holds (
    organization_id uuid,
    lane_key        text,
    reason          text NOT NULL,
    held_at         timestamptz NOT NULL DEFAULT kit_now(),
    UNIQUE NULLS NOT DISTINCT (organization_id, lane_key)
);
COMMENT ON TABLE ledger_holds IS 'Nothing leaves on this lane, or (lane_key null) on any lane of the organization.';

ALTER TABLE ledger_lanes ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger_lanes FORCE ROW LEVEL SECURITY;
ALTER TABLE ledger_entries ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger_entries FORCE ROW LEVEL SECURITY;
ALTER TABLE ledger_attempts ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger_attempts FORCE ROW LEVEL SECURITY;
ALTER TABLE ledger_wakes ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger_wakes FORCE ROW LEVEL SECURITY;
ALTER TABLE ledger_holds ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger_holds FORCE ROW LEVEL SECURITY;

-- The platform's own effects have no organization; every transaction may see them, bound or not.
CREATE POLICY tenant ON ledger_lanes TO :app USING (organization_id IS NULL
    OR organization_id = ANY (coalesce(nullif(current_setting('app.orgs', true), ''), '{}')::uuid[]));
CREATE POLICY tenant ON ledger_entries TO :app USING (organization_id IS NULL
    OR organization_id = ANY (coalesce(nullif(current_setting('app.orgs', true), ''), '{}')::uuid[]));
CREATE POLICY tenant ON ledger_attempts TO :app USING (organization_id IS NULL
    OR organization_id = ANY (coalesce(nullif(current_setting('app.orgs', true), ''), '{}')::uuid[]));
CREATE POLICY tenant ON ledger_wakes TO :app USING (organization_id IS NULL
    OR organization_id = ANY (coalesce(nullif(current_setting('app.orgs', true), ''), '{}')::uuid[]));
CREATE POLICY tenant ON ledger_holds TO :app USING (organization_id IS NULL
    OR organization_id = ANY (coalesce(nullif(current_setting('app.orgs', true), ''), '{}')::uuid[]));
GRANT SELECT, INSERT, UPDATE ON ledger_lanes, ledger_entries TO :app;
GRANT SELECT, INSERT ON ledger_attempts, ledger_wakes TO :app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ledger_holds TO :app;

CREATE POLICY working ON ledger_lanes TO :loops USING (true);
CREATE POLICY working ON ledger_entries TO :loops USING (true);
CREATE POLICY working ON ledger_attempts TO :loops USING (true);
CREATE POLICY working ON ledger_wakes TO :loops USING (true);
CREATE POLICY working ON ledger_holds FOR SELECT TO :loops USING (true);
GRANT SELECT, UPDATE ON ledger_lanes, ledger_entries TO :loops;
GRANT DELETE ON ledger_entries TO :loops;
GRANT SELECT, DELETE ON ledger_attempts TO :loops;
GRANT SELECT, UPDATE, DELETE ON ledger_wakes TO :loops;
GRANT SELECT ON ledger_holds TO :loops;

-- Carries wakes into their lanes, and tells how many it had to leave because somebody holds their lane just now.
CREATE FUNCTION ledger_drain_wakes(most integer) RETURNS bigint LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
    DECLARE
        wakes bigint[];
        lanes bigint[];
        free bigint[];
        drained bigint;
    BEGIN
        SELECT array_agg(w.id), array_agg(DISTINCT w.lane_id) INTO wakes, lanes
        FROM (SELECT id, lane_id FROM ledger_wakes ORDER BY id LIMIT most FOR UPDATE SKIP LOCKED) AS w;
        IF wakes IS NULL THEN
            RETURN 0;
        END IF;
        SELECT array_agg(l.id) INTO free
        FROM (SELECT id FROM ledger_lanes WHERE id = ANY (lanes) FOR UPDATE SKIP LOCKED) AS l;
        WITH gone AS (
            DELETE FROM ledger_wakes WHERE id = ANY (wakes) AND lane_id = ANY (free)
            RETURNING lane_id, due_at, parked_until
        ), news AS (
            SELECT lane_id, min(due_at) AS due_at, max(parked_until) AS parked_until, count(*) AS wakes
            FROM gone GROUP BY lane_id
        ), told AS (
            UPDATE ledger_lanes AS lane
            SET parked_until = greatest(lane.parked_until, news.parked_until),
                ready_at = greatest(least(lane.ready_at, greatest(news.due_at, kit_now())), lane.parked_until,
                                    news.parked_until)
            FROM news WHERE lane.id = news.lane_id
        )
        SELECT coalesce(sum(news.wakes), 0) INTO drained FROM news;
        RETURN cardinality(wakes) - drained;
    END
    $$;
REVOKE ALL ON FUNCTION ledger_drain_wakes(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_drain_wakes(integer) TO :app;
ALTER FUNCTION ledger_drain_wakes(integer) OWNER TO :loops;

-- Claims due entries of ready lanes, the lane that has waited longest first, a slice of each, and reserves their slots.
-- Never waits. `leases` are seconds from the slot per kind; `slot` is in seconds from `server`, the server's time.
CREATE FUNCTION ledger_claim(kinds text[], leases double precision[], most integer, most_lanes integer,
                             pace double precision, lead double precision, ahead double precision,
                             slice double precision, unpaced integer, busy bigint[])
    RETURNS TABLE (id uuid, kind text, organization_id uuid, lane_id bigint, lane_key text, subject_id uuid,
                   attempt integer, due_at timestamptz, created_at timestamptz, called_at timestamptz,
                   age double precision, lease double precision, slot double precision, step double precision,
                   slots_end timestamptz, server timestamptz)
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
    #variable_conflict use_column
    DECLARE
        platform timestamptz := kit_now();
        own timestamptz := statement_timestamp();
        lane record;
        apart double precision;
        first double precision;
        room integer;
        taken integer;
        left_over integer := most;
        rest timestamptz;
        known boolean;
        free_slot timestamptz;
    BEGIN
        FOR lane IN
            SELECT l.id, l.organization_id, l.key, l.rate, l.next_slot, l.parked_until FROM ledger_lanes AS l
            WHERE l.ready_at <= platform AND l.id <> ALL (busy)
            ORDER BY l.ready_at LIMIT most_lanes FOR UPDATE SKIP LOCKED
        LOOP
            EXIT WHEN left_over <= 0;
            PERFORM FROM ledger_holds AS h
            WHERE (h.organization_id = lane.organization_id
                   OR (h.organization_id IS NULL AND lane.organization_id IS NULL))
              AND (h.lane_key = lane.key OR h.lane_key IS NULL);
            IF FOUND THEN
                UPDATE ledger_lanes AS l SET ready_at = NULL WHERE l.id = lane.id;
                CONTINUE;
            END IF;
            IF lane.parked_until > platform THEN
                UPDATE ledger_lanes AS l SET ready_at = lane.parked_until WHERE l.id = lane.id;
                CONTINUE;
            END IF;
            apart := coalesce(1 / (lane.rate * pace), 0);
            first := CASE WHEN lane.rate IS NULL THEN 0 ELSE lead END;
            room := CASE WHEN lane.rate IS NULL THEN unpaced ELSE greatest(1, floor(slice / apart)) END;
            IF lane.rate IS NOT NULL AND lane.next_slot <= own + make_interval(secs => ahead + 2 * slice + apart + 5) THEN
                first := greatest(first, extract(epoch FROM lane.next_slot - own));
            END IF;
            IF first > greatest(ahead, lead) THEN
                UPDATE ledger_lanes AS l SET ready_at = platform + make_interval(secs => first - ahead)
                WHERE l.id = lane.id;
                CONTINUE;
            END IF;
            RETURN QUERY
            WITH chosen AS MATERIALIZED (
                SELECT e.id, e.due_at FROM ledger_entries AS e
                WHERE e.lane_id = lane.id AND e.status = 'pending' AND e.due_at <= platform AND e.kind = ANY (kinds)
                  AND (e.expires_at IS NULL OR e.expires_at > platform)
                ORDER BY e.due_at, e.id LIMIT least(room, left_over) FOR UPDATE SKIP LOCKED
            ), placed AS MATERIALIZED (
                SELECT c.id, first + apart * (row_number() OVER (ORDER BY c.due_at, c.id) - 1) AS slot,
                       own + make_interval(secs => first + apart * count(*) OVER ()) AS slots_end
                FROM chosen AS c
            )
            UPDATE ledger_entries AS e
            SET status = 'calling', attempt = e.attempt + 1, called_at = platform + make_interval(secs => p.slot),
                began_by = NULL, look_at = NULL, looks = 0, blanks = 0,
                leased_until = own + make_interval(secs => p.slot + patience.seconds)
            FROM placed AS p, unnest(kinds, leases) AS patience (kind, seconds)
            WHERE e.id = p.id AND patience.kind = e.kind
            RETURNING e.id, e.kind, e.organization_id, e.lane_id, lane.key, e.subject_id, e.attempt, e.due_at,
                      e.created_at, e.called_at, extract(epoch FROM platform - e.first_due_at)::double precision,
                      p.slot + patience.seconds, p.slot, apart, p.slots_end, own;
            GET DIAGNOSTICS taken = ROW_COUNT;
            left_over := left_over - taken;
            free_slot := CASE WHEN lane.rate IS NOT NULL AND taken > 0
                              THEN own + make_interval(secs => first + apart * taken) ELSE lane.next_slot END;
            SELECT e.due_at, e.kind = ANY (kinds) INTO rest, known FROM ledger_entries AS e
            WHERE e.lane_id = lane.id AND e.status = 'pending' AND (e.expires_at IS NULL OR e.expires_at > platform)
            ORDER BY e.due_at LIMIT 1;
            UPDATE ledger_lanes AS l
            SET next_slot = free_slot,
                ready_at = CASE WHEN rest IS NULL THEN NULL ELSE greatest(rest,
                    platform + make_interval(secs => CASE WHEN taken > 0 THEN 0 WHEN known THEN 0.1 ELSE 2 END),
                    platform + CASE WHEN lane.rate IS NULL THEN NULL
                                    ELSE free_slot - own - make_interval(secs => ahead) END) END
            WHERE l.id = lane.id;
        END LOOP;
    END
    $$;
REVOKE ALL ON FUNCTION ledger_claim(text[], double precision[], integer, integer, double precision, double precision,
    double precision, double precision, integer, bigint[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_claim(text[], double precision[], integer, integer, double precision, double precision,
    double precision, double precision, integer, bigint[]) TO :app;
ALTER FUNCTION ledger_claim(text[], double precision[], integer, integer, double precision, double precision,
    double precision, double precision, integer, bigint[]) OWNER TO :loops;

-- More slots for entries that are claimed already and missed theirs. When nobody has reserved after `reserved_until`, the
-- slots from `unused_from` on are taken back first, so that a lone latecomer does not wait a whole step.
CREATE FUNCTION ledger_reserve(lane bigint, wanted integer, pace double precision, lead double precision,
                               unused_from timestamptz, reserved_until timestamptz)
    RETURNS TABLE (slot double precision, step double precision, slots_end timestamptz, server timestamptz)
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
    #variable_conflict use_variable
    DECLARE
        own timestamptz := statement_timestamp();
        apart double precision;
        free_slot timestamptz;
    BEGIN
        SELECT 1 / (l.rate * pace), l.next_slot INTO apart, free_slot FROM ledger_lanes AS l
        WHERE l.id = lane AND l.rate IS NOT NULL FOR UPDATE;
        IF NOT FOUND THEN
            RETURN QUERY SELECT 0::double precision, 0::double precision, own, own;
            RETURN;
        END IF;
        IF free_slot = reserved_until THEN
            free_slot := unused_from;
        END IF;
        free_slot := greatest(free_slot, own + make_interval(secs => lead));
        UPDATE ledger_lanes AS l SET next_slot = free_slot + make_interval(secs => apart * wanted) WHERE l.id = lane;
        RETURN QUERY SELECT extract(epoch FROM free_slot - own)::double precision, apart,
                            free_slot + make_interval(secs => apart * wanted), own;
    END
    $$;
REVOKE ALL ON FUNCTION ledger_reserve(bigint, integer, double precision, double precision, timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_reserve(bigint, integer, double precision, double precision, timestamptz, timestamptz) TO :app;
ALTER FUNCTION ledger_reserve(bigint, integer, double precision, double precision, timestamptz, timestamptz) OWNER TO :loops;

-- Seconds until the next lane is ready; null when none will be.
CREATE FUNCTION ledger_next() RETURNS double precision LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT extract(epoch FROM min(ready_at) - kit_now())::double precision FROM ledger_lanes
        WHERE ready_at IS NOT NULL
    $$;
REVOKE ALL ON FUNCTION ledger_next() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_next() TO :app;
ALTER FUNCTION ledger_next() OWNER TO :loops;

-- Claims looks at unknown effects, a few per lane, going round the lanes from `after_lane` on, at most 500 of them. The
-- first row always says which lane was the last of these, 0 when there are no more; where nothing is due it is the only one.
CREATE FUNCTION ledger_claim_looks(kinds text[], leases double precision[], most integer, per_lane integer,
                                   after_lane bigint)
    RETURNS TABLE (walked bigint, id uuid, kind text, organization_id uuid, lane_id bigint, lane_key text, subject_id uuid,
                   attempt integer, due_at timestamptz, created_at timestamptz, called_at timestamptz,
                   age double precision, since_call double precision, quiet double precision, looks integer,
                   blanks integer)
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        WITH RECURSIVE walk AS (
            (SELECT e.lane_id, e.look_at, 1 AS steps FROM ledger_entries AS e
             WHERE e.status = 'unknown' AND e.lane_id > ledger_claim_looks.after_lane
             ORDER BY e.lane_id, e.look_at LIMIT 1)
            UNION ALL
            SELECT found.lane_id, found.look_at, walk.steps + 1 FROM walk, LATERAL (
                SELECT e.lane_id, e.look_at FROM ledger_entries AS e
                WHERE e.status = 'unknown' AND e.lane_id > walk.lane_id
                ORDER BY e.lane_id, e.look_at LIMIT 1) AS found
            WHERE walk.steps < 500
        ), chosen AS MATERIALIZED (
            SELECT due.id FROM walk, LATERAL (
                SELECT e.id FROM ledger_entries AS e
                WHERE e.lane_id = walk.lane_id AND e.status = 'unknown' AND e.look_at <= kit_now()
                  AND e.kind = ANY (kinds)
                ORDER BY e.look_at LIMIT per_lane FOR UPDATE SKIP LOCKED) AS due
            WHERE walk.look_at <= kit_now() LIMIT most
        ), taken AS (
            UPDATE ledger_entries AS e
            SET looks = e.looks + 1, look_at = kit_now() + make_interval(secs => patience.seconds)
            FROM unnest(kinds, leases) AS patience (kind, seconds), ledger_lanes AS lane
            WHERE e.id = ANY (ARRAY(SELECT chosen.id FROM chosen)) AND e.status = 'unknown' AND patience.kind = e.kind
              AND lane.id = e.lane_id
            RETURNING e.id, e.kind, e.organization_id, e.lane_id, lane.key, e.subject_id, e.attempt, e.due_at,
                      e.created_at, e.called_at, extract(epoch FROM kit_now() - e.first_due_at)::double precision,
                      extract(epoch FROM kit_now() - e.called_at)::double precision,
                      extract(epoch FROM kit_now() - coalesce(e.began_by, e.called_at))::double precision,
                      e.looks, e.blanks
        )
        SELECT reach.lane_id, taken.*
        FROM (SELECT CASE WHEN count(*) < 500 THEN 0 ELSE max(walk.lane_id) END AS lane_id FROM walk) AS reach
        LEFT JOIN taken ON true
    $$;
REVOKE ALL ON FUNCTION ledger_claim_looks(text[], double precision[], integer, integer, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_claim_looks(text[], double precision[], integer, integer, bigint) TO :app;
ALTER FUNCTION ledger_claim_looks(text[], double precision[], integer, integer, bigint) OWNER TO :loops;

-- Whose claims have lapsed, and what has expired while it waited, but for some: candidates only, settled under the fence
-- by the caller.
CREATE FUNCTION ledger_overdue(kinds text[], most integer, but_for uuid[])
    RETURNS TABLE (id uuid, kind text, organization_id uuid, lane_id bigint, lane_key text, subject_id uuid,
                   attempt integer, due_at timestamptz, created_at timestamptz, called_at timestamptz,
                   status text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT e.id, e.kind, e.organization_id, e.lane_id, lane.key, e.subject_id, e.attempt, e.due_at, e.created_at,
               coalesce(e.called_at, e.created_at), e.status
        FROM (
            (SELECT * FROM ledger_entries AS c WHERE c.status = 'calling' AND c.leased_until < statement_timestamp()
             AND c.kind = ANY (kinds) AND c.id <> ALL (but_for) ORDER BY c.leased_until LIMIT most)
            UNION ALL
            (SELECT * FROM ledger_entries AS p WHERE p.status = 'pending' AND p.expires_at IS NOT NULL
             AND p.expires_at <= kit_now() AND p.kind = ANY (kinds) AND p.id <> ALL (but_for)
             ORDER BY p.expires_at LIMIT most)
        ) AS e JOIN ledger_lanes AS lane ON lane.id = e.lane_id
    $$;
REVOKE ALL ON FUNCTION ledger_overdue(text[], integer, uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_overdue(text[], integer, uuid[]) TO :app;
ALTER FUNCTION ledger_overdue(text[], integer, uuid[]) OWNER TO :loops;

-- Puts the queue of lanes right after the clock was moved back, and mends whatever else may have left a lane asleep.
CREATE FUNCTION ledger_mend_lanes(after_lane bigint, most integer) RETURNS TABLE (last_lane bigint, mended bigint)
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        WITH part AS MATERIALIZED (
            SELECT lane.id, lane.ready_at, lane.parked_until FROM ledger_lanes AS lane
            WHERE lane.id > after_lane ORDER BY lane.id LIMIT most FOR UPDATE SKIP LOCKED
        ), wanted AS (
            SELECT part.id, part.ready_at,
                   greatest(first.due_at, part.parked_until) AS should
            FROM part LEFT JOIN LATERAL (
                SELECT e.due_at FROM ledger_entries AS e WHERE e.lane_id = part.id AND e.status = 'pending'
                ORDER BY e.due_at LIMIT 1) AS first ON true
            WHERE first.due_at IS NOT NULL
        ), mended AS (
            UPDATE ledger_lanes AS lane SET ready_at = wanted.should FROM wanted
            WHERE lane.id = wanted.id AND NOT EXISTS (
                      SELECT FROM ledger_holds AS h
                      WHERE h.organization_id IS NOT DISTINCT FROM lane.organization_id
                        AND (h.lane_key = lane.key OR h.lane_key IS NULL))
              AND (wanted.ready_at IS NULL OR wanted.ready_at > wanted.should + interval '5 seconds')
              AND (lane.next_slot IS NULL OR lane.next_slot < statement_timestamp() + interval '5 seconds'
                   OR lane.next_slot > statement_timestamp() + interval '1 hour')
            RETURNING lane.id
        )
        SELECT (SELECT max(part.id) FROM part), (SELECT count(*) FROM mended)
    $$;
REVOKE ALL ON FUNCTION ledger_mend_lanes(bigint, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_mend_lanes(bigint, integer) TO :app;
ALTER FUNCTION ledger_mend_lanes(bigint, integer) OWNER TO :loops;

CREATE FUNCTION ledger_purge(older_than interval, most integer) RETURNS bigint LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        WITH gone AS (
            DELETE FROM ledger_entries WHERE id = ANY (ARRAY(
                SELECT e.id FROM ledger_entries AS e
                WHERE e.settled_at < kit_now() - older_than AND e.status IN ('done', 'refused', 'cancelled')
                ORDER BY e.settled_at LIMIT most FOR UPDATE SKIP LOCKED))
            RETURNING id
        ), forgotten AS (
            DELETE FROM ledger_attempts WHERE entry_id IN (SELECT id FROM gone)
        )
        SELECT count(*) FROM gone
    $$;
REVOKE ALL ON FUNCTION ledger_purge(interval, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_purge(interval, integer) TO :app;
ALTER FUNCTION ledger_purge(interval, integer) OWNER TO :loops;

-- What is measured: per kind the age of the oldest due entry and how many are due (at most `most`), and what is open.
CREATE FUNCTION ledger_measure(kinds text[], most integer)
    RETURNS TABLE (kind text, oldest double precision, due bigint, unknown bigint, unconfirmed bigint)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT k.kind,
               coalesce((SELECT extract(epoch FROM kit_now() - e.due_at) FROM ledger_entries AS e
                         WHERE e.kind = k.kind AND e.status = 'pending' AND e.due_at <= kit_now()
                         ORDER BY e.due_at LIMIT 1), 0)::double precision,
               (SELECT count(*) FROM (SELECT FROM ledger_entries AS e WHERE e.kind = k.kind AND e.status = 'pending'
                                      AND e.due_at <= kit_now() LIMIT most) AS counted),
               (SELECT count(*) FROM (SELECT FROM ledger_entries AS e WHERE e.kind = k.kind AND e.status = 'unknown'
                                      LIMIT most) AS counted),
               (SELECT count(*) FROM (SELECT FROM ledger_entries AS e WHERE e.kind = k.kind
                                      AND e.status = 'unconfirmed' LIMIT most) AS counted)
        FROM unnest(kinds) AS k (kind)
    $$;
REVOKE ALL ON FUNCTION ledger_measure(text[], integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_measure(text[], integer) TO :app;
ALTER FUNCTION ledger_measure(text[], integer) OWNER TO :loops;

-- The operator's list across tenants, newest first, before an id. What is pending is listed once it is due; `kinds` are
-- those whose pending entries are looked through.
CREATE FUNCTION ledger_list(statuses text[], of_kind text, kinds text[], before uuid, older_than interval, most integer)
    RETURNS TABLE (id uuid, kind text, organization_id uuid, lane_key text, subject_id uuid, status text,
                   attempt integer, due_at timestamptz, created_at timestamptz, called_at timestamptz,
                   look_at timestamptz, external_id text, reason text, code text, settled_at timestamptz,
                   settled_by text, held text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    SET plan_cache_mode = force_custom_plan
    AS $$
    #variable_conflict use_column
    BEGIN
        RETURN QUERY
        SELECT e.id, e.kind, e.organization_id, lane.key, e.subject_id, e.status, e.attempt, e.due_at, e.created_at,
               e.called_at, e.look_at, e.external_id, e.reason, e.code, e.settled_at, e.settled_by,
               (SELECT h.reason FROM ledger_holds AS h
                WHERE h.organization_id IS NOT DISTINCT FROM e.organization_id
                  AND (h.lane_key = lane.key OR h.lane_key IS NULL) ORDER BY h.lane_key LIMIT 1)
        FROM (
            SELECT other.* FROM unnest(statuses) AS wanted (status), LATERAL (
                SELECT * FROM ledger_entries AS each
                WHERE each.status = wanted.status AND (of_kind IS NULL OR each.kind = of_kind)
                  AND (before IS NULL OR each.id < before) AND each.due_at <= kit_now() - older_than
                ORDER BY each.id DESC LIMIT most) AS other
            WHERE wanted.status <> 'pending'
            UNION ALL
            (SELECT waiting.* FROM (
                SELECT * FROM ledger_entries AS each
                WHERE 'pending' = ANY (statuses) AND each.status = 'pending' AND each.kind = ANY (kinds)
                  AND each.due_at <= kit_now() - older_than AND (before IS NULL OR each.id < before)
                OFFSET 0) AS waiting
             ORDER BY waiting.id DESC LIMIT most)
        ) AS e
        JOIN ledger_lanes AS lane ON lane.id = e.lane_id
        ORDER BY e.id DESC LIMIT most;
    END
    $$;
REVOKE ALL ON FUNCTION ledger_list(text[], text, text[], uuid, interval, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_list(text[], text, text[], uuid, interval, integer) TO :app;
ALTER FUNCTION ledger_list(text[], text, text[], uuid, interval, integer) OWNER TO :loops;

-- Whose entry it is: an operator's transaction is bound to that organization before it reads or changes anything.
CREATE FUNCTION ledger_owner(entry uuid) RETURNS TABLE (organization_id uuid) LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS 'SELECT e.organization_id FROM ledger_entries AS e WHERE e.id = entry';
REVOKE ALL ON FUNCTION ledger_owner(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_owner(uuid) TO :app;
ALTER FUNCTION ledger_owner(uuid) OWNER TO :loops;
