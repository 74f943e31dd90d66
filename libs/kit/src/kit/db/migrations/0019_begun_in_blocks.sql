-- What was claimed and never begun is told from what may have left. The effects of a claim are cut into blocks, each with a
-- row until its calls begin; whoever takes the row away decides: its worker, that they begin, or the sweep, that all of
-- them wait again.

CREATE TABLE ledger_blocks (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    begin_by  timestamptz NOT NULL,
    entry_ids uuid[] NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
COMMENT ON TABLE ledger_blocks IS 'Effects that are claimed together and whose calls have not begun; what is calling without a row here may have left.';
CREATE INDEX ledger_blocks_begin_by ON ledger_blocks (begin_by);
GRANT SELECT, INSERT, UPDATE, DELETE ON ledger_blocks TO :loops;
GRANT INSERT ON ledger_wakes TO :loops;

ALTER TABLE ledger_entries ADD COLUMN block_id bigint;

DROP FUNCTION ledger_claim(text[], double precision[], integer, integer, double precision, double precision,
    double precision, double precision, integer, bigint[]);

-- Claims due entries of ready lanes, a slice of each, and reserves their slots. Organizations take turns, and within one
-- its lanes, the one that has waited longest first; where all that is ready is more than may be claimed, each organization
-- gets the same part of it, however many lanes it has. Never waits. `leases` are seconds from the slot per kind; `slot` is in seconds from `server`,
-- the server's time. Of a lane with a pace a block has the slots of `block` seconds, of another one all that is claimed, each kind by
-- itself; it is to begin within `patience` seconds of its first slot.
CREATE FUNCTION ledger_claim(kinds text[], leases double precision[], most integer, most_lanes integer,
                             pace double precision, lead double precision, ahead double precision,
                             slice double precision, unpaced integer, busy bigint[], block double precision,
                             patience double precision)
    RETURNS TABLE (id uuid, kind text, organization_id uuid, lane_id bigint, lane_key text, subject_id uuid,
                   attempt integer, due_at timestamptz, created_at timestamptz, called_at timestamptz,
                   age double precision, lease double precision, slot double precision, step double precision,
                   slots_end timestamptz, server timestamptz, block_id bigint)
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
        together integer;
        taken integer;
        left_over integer := most;
        rest timestamptz;
        known boolean;
        free_slot timestamptz;
    BEGIN
        FOR lane IN
            WITH ready AS MATERIALIZED (
                SELECT l.id, l.organization_id, l.ready_at FROM ledger_lanes AS l
                WHERE l.ready_at <= platform AND l.id <> ALL (busy)
                ORDER BY l.ready_at LIMIT 4 * most_lanes
            ), queued AS MATERIALIZED (
                SELECT r.id, row_number() OVER (PARTITION BY r.organization_id ORDER BY r.ready_at, r.id) AS turn,
                       count(*) OVER (PARTITION BY r.organization_id) AS lanes,
                       (SELECT count(DISTINCT coalesce(o.organization_id, '00000000-0000-0000-0000-000000000000'))
                        FROM ready AS o) AS organizations
                FROM ready AS r
            )
            SELECT l.id, l.organization_id, l.key, l.rate, l.next_slot, l.parked_until,
                   ceil(most::double precision / (q.organizations * q.lanes))::integer AS share
            FROM queued AS q JOIN ledger_lanes AS l ON l.id = q.id
            WHERE l.ready_at <= platform
            ORDER BY q.turn, l.ready_at LIMIT most_lanes FOR UPDATE OF l SKIP LOCKED
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
            room := CASE WHEN lane.rate IS NULL THEN unpaced
                         ELSE least(greatest(1, floor(slice / apart)), greatest(unpaced, lane.share)) END;
            together := CASE WHEN lane.rate IS NULL THEN unpaced ELSE greatest(1, floor(block / apart)) END;
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
                SELECT e.id, e.kind, e.due_at FROM ledger_entries AS e
                WHERE e.lane_id = lane.id AND e.status = 'pending' AND e.due_at <= platform AND e.kind = ANY (kinds)
                  AND (e.expires_at IS NULL OR e.expires_at > platform)
                ORDER BY e.due_at, e.id LIMIT least(room, left_over) FOR UPDATE SKIP LOCKED
            ), placed AS MATERIALIZED (
                SELECT c.id, c.kind, first + apart * (row_number() OVER (ORDER BY c.due_at, c.id) - 1) AS slot,
                       (row_number() OVER (ORDER BY c.due_at, c.id) - 1) / together AS part,
                       own + make_interval(secs => first + apart * count(*) OVER ()) AS slots_end
                FROM chosen AS c
            ), blocks AS (
                INSERT INTO ledger_blocks (begin_by, entry_ids)
                SELECT own + make_interval(secs => min(p.slot) + patience), array_agg(p.id)
                FROM placed AS p GROUP BY p.part, p.kind ORDER BY p.part
                RETURNING id, entry_ids
            ), members AS (
                SELECT b.id AS block_id, unnest(b.entry_ids) AS id FROM blocks AS b
            )
            UPDATE ledger_entries AS e
            SET status = 'calling', attempt = e.attempt + 1, called_at = platform + make_interval(secs => p.slot),
                began_by = NULL, look_at = NULL, looks = 0, blanks = 0,
                leased_until = own + make_interval(secs => p.slot + held.seconds), block_id = m.block_id
            FROM placed AS p JOIN members AS m ON m.id = p.id, unnest(kinds, leases) AS held (kind, seconds)
            WHERE e.id = p.id AND held.kind = e.kind
            RETURNING e.id, e.kind, e.organization_id, e.lane_id, lane.key, e.subject_id, e.attempt, e.due_at,
                      e.created_at, e.called_at, extract(epoch FROM platform - e.first_due_at)::double precision,
                      p.slot + held.seconds, p.slot, apart, p.slots_end, own, m.block_id;
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
    double precision, double precision, integer, bigint[], double precision, double precision) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_claim(text[], double precision[], integer, integer, double precision, double precision,
    double precision, double precision, integer, bigint[], double precision, double precision) TO :app;
ALTER FUNCTION ledger_claim(text[], double precision[], integer, integer, double precision, double precision,
    double precision, double precision, integer, bigint[], double precision, double precision) OWNER TO :loops;

-- Takes the rows of these blocks away; their calls may begin of those that are returned. The others wait again already.
CREATE FUNCTION ledger_begin(blocks bigint[]) RETURNS TABLE (block_id bigint) LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS 'DELETE FROM ledger_blocks WHERE id = ANY (blocks) RETURNING id';
REVOKE ALL ON FUNCTION ledger_begin(bigint[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_begin(bigint[]) TO :app;
ALTER FUNCTION ledger_begin(bigint[]) OWNER TO :loops;

-- Lets the effects of blocks wait again that were not begun in time: whoever had claimed them is gone, or far too late.
-- Returns how many blocks there were.
CREATE FUNCTION ledger_give_back(most integer) RETURNS bigint LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        WITH late AS MATERIALIZED (
            SELECT b.id FROM ledger_blocks AS b WHERE b.begin_by < statement_timestamp()
            ORDER BY b.begin_by LIMIT most FOR UPDATE SKIP LOCKED
        ), gone AS (
            DELETE FROM ledger_blocks AS b USING late WHERE b.id = late.id RETURNING b.id, b.entry_ids
        ), back AS (
            UPDATE ledger_entries AS e SET status = 'pending', leased_until = NULL
            FROM (SELECT gone.id AS block_id, unnest(gone.entry_ids) AS id FROM gone) AS member
            WHERE e.id = member.id AND e.block_id = member.block_id AND e.status = 'calling'
            RETURNING e.organization_id, e.lane_id, e.due_at
        ), woken AS (
            INSERT INTO ledger_wakes (organization_id, lane_id, due_at)
            SELECT organization_id, lane_id, min(due_at) FROM back GROUP BY organization_id, lane_id
        )
        SELECT count(*) FROM gone
    $$;
REVOKE ALL ON FUNCTION ledger_give_back(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_give_back(integer) TO :app;
ALTER FUNCTION ledger_give_back(integer) OWNER TO :loops;

DROP FUNCTION ledger_overdue(text[], integer, uuid[]);

-- Whose calls have lapsed, but not what was never begun, and what has expired while it waited, but for some: candidates
-- only, settled under the fence by the caller.
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
             AND c.kind = ANY (kinds) AND c.id <> ALL (but_for)
             AND NOT EXISTS (SELECT FROM ledger_blocks AS b WHERE b.id = c.block_id) ORDER BY c.leased_until LIMIT most)
            UNION ALL
            (SELECT * FROM ledger_entries AS p WHERE p.status = 'pending' AND p.expires_at IS NOT NULL
             AND p.expires_at <= kit_now() AND p.kind = ANY (kinds) AND p.id <> ALL (but_for)
             ORDER BY p.expires_at LIMIT most)
        ) AS e JOIN ledger_lanes AS lane ON lane.id = e.lane_id
    $$;
REVOKE ALL ON FUNCTION ledger_overdue(text[], integer, uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_overdue(text[], integer, uuid[]) TO :app;
ALTER FUNCTION ledger_overdue(text[], integer, uuid[]) OWNER TO :loops;
