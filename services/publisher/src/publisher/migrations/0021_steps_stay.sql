-- What was tried of every step can be read as long as the ledger keeps it: a wait or next step that has ended stays,
-- without its handle. And a film gets a picture of its own, by a step after it is live.

ALTER TABLE delivery_steps
    DROP CONSTRAINT delivery_steps_what_check,
    ADD CONSTRAINT delivery_steps_what_check CHECK (
        what IN ('processing', 'finalize', 'part', 'comment', 'cover', 'removal')
    ),
    DROP CONSTRAINT delivery_steps_status_check,
    ADD CONSTRAINT delivery_steps_status_check CHECK (
        status IN ('scheduled', 'processing', 'published', 'failed', 'checking', 'unconfirmed', 'cancelled', 'ended')
    );
COMMENT ON TABLE delivery_steps IS 'What comes after the first call of a delivery, each the subject of its own effect: waiting for the platform''s processing and the next step with what is ready (both are ended once they are done, and go when the ledger has forgotten what was tried), the parts of a thread, the first comment, the cover of a film, taking it down. Part 0 is the post itself; handle is what the platform calls what it works on, sealed.';
DROP INDEX delivery_steps_once;
CREATE UNIQUE INDEX delivery_steps_once ON delivery_steps (delivery_id, what, part)
    WHERE what IN ('part', 'comment', 'cover', 'removal');
CREATE INDEX delivery_steps_ended ON delivery_steps (changed_at) WHERE status = 'ended';

CREATE POLICY forgetting ON delivery_steps TO :loops USING (status = 'ended');
GRANT SELECT, DELETE ON delivery_steps TO :loops;
CREATE FUNCTION forget_ended_steps(kept interval, at_most integer) RETURNS bigint
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = :schema, kit, pg_temp
    AS $$
        WITH gone AS (
            DELETE FROM delivery_steps WHERE id IN (
                SELECT id FROM delivery_steps WHERE status = 'ended' AND changed_at < kit_now() - kept
                ORDER BY changed_at LIMIT at_most FOR UPDATE SKIP LOCKED
            ) RETURNING 1
        )
        SELECT count(*) FROM gone
    $$;
REVOKE ALL ON FUNCTION forget_ended_steps(interval, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION forget_ended_steps(interval, integer) TO :app;
ALTER FUNCTION forget_ended_steps(interval, integer) OWNER TO :loops;

-- A medium is also used where it is the cover.
DROP FUNCTION posts_that_use(uuid, uuid, integer);
CREATE FUNCTION posts_that_use(asked uuid, medium uuid, at_most integer)
    RETURNS TABLE (post_id uuid) LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        WITH uses AS (
            SELECT unnest(ARRAY[
                jsonb_build_object('media', jsonb_build_array(jsonb_build_object('media_id', medium))),
                jsonb_build_object('parts', jsonb_build_array(
                    jsonb_build_object('media', jsonb_build_array(jsonb_build_object('media_id', medium)))
                )),
                jsonb_build_object('cover', medium)
            ]) AS use
        ), found AS (
            SELECT post.id FROM uses JOIN posts AS post ON post.content @> uses.use AND post.content <> '{}'
            WHERE post.organization_id = asked
            UNION
            SELECT way.post_id FROM uses JOIN deliveries AS way ON way.content @> uses.use AND way.content IS NOT NULL
            WHERE way.organization_id = asked
        )
        SELECT post.id FROM posts AS post
        WHERE post.id IN (SELECT id FROM found) AND post.organization_id = asked
          AND post.status IN ('draft', 'scheduled', 'processing', 'checking')
        ORDER BY post.id LIMIT at_most
    $$;
REVOKE ALL ON FUNCTION posts_that_use(uuid, uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION posts_that_use(uuid, uuid, integer) TO :app;
ALTER FUNCTION posts_that_use(uuid, uuid, integer) OWNER TO :loops;
