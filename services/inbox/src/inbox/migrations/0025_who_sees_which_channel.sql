-- Who sees a channel and what is said on it: everyone who works here, or chosen people and teams beside owners and admins.

ALTER TABLE channels
    ADD COLUMN visible_to text NOT NULL DEFAULT 'everyone' CHECK (visible_to IN ('everyone', 'chosen')),
    ADD COLUMN release_due boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN channels.visible_to IS 'Of chosen ones, channel_viewers says whom; owners and admins see all.';
COMMENT ON COLUMN channels.release_due IS 'Somebody may have conversations here that they no longer see.';
CREATE INDEX channels_chosen ON channels (organization_id) WHERE visible_to = 'chosen';
CREATE INDEX channels_to_release ON channels (id) WHERE release_due;

CREATE TABLE channel_viewers (
    channel_id      uuid NOT NULL REFERENCES channels,
    organization_id uuid NOT NULL,
    kind            text NOT NULL CHECK (kind IN ('team', 'user')),
    viewer_id       uuid NOT NULL,
    PRIMARY KEY (channel_id, kind, viewer_id)
);
COMMENT ON TABLE channel_viewers IS 'A person, or everybody in a team, sees a channel that not everyone sees.';
CREATE INDEX channel_viewers_by_viewer ON channel_viewers (viewer_id);
ALTER TABLE channel_viewers ENABLE ROW LEVEL SECURITY;
ALTER TABLE channel_viewers FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON channel_viewers TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, DELETE ON channel_viewers TO :app;
CREATE POLICY looking ON channel_viewers FOR SELECT TO :loops USING (true);
GRANT SELECT ON channel_viewers TO :loops;
CREATE POLICY looking ON team_members FOR SELECT TO :loops USING (true);
GRANT SELECT (team_id, user_id, present) ON team_members TO :loops;
CREATE POLICY looking ON teams FOR SELECT TO :loops USING (true);
GRANT SELECT (team_id, gone) ON teams TO :loops;

-- Which channels somebody does not see, of the organizations that the transaction is bound to.
CREATE FUNCTION channels_hidden_from(wanted uuid) RETURNS uuid[] LANGUAGE sql STABLE
    SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT coalesce(array_agg(c.id), '{}') FROM channels AS c
        WHERE c.organization_id = ANY (current_setting('app.orgs')::uuid[]) AND c.visible_to = 'chosen'
          AND NOT EXISTS (
              SELECT FROM channel_viewers AS v WHERE v.channel_id = c.id AND v.kind = 'user' AND v.viewer_id = wanted
          )
          AND NOT EXISTS (
              SELECT FROM channel_viewers AS v
              JOIN team_members AS m ON m.team_id = v.viewer_id AND m.user_id = wanted AND m.present
              JOIN teams AS t ON t.team_id = m.team_id AND NOT t.gone
              WHERE v.channel_id = c.id AND v.kind = 'team'
          )
    $$;
REVOKE ALL ON FUNCTION channels_hidden_from(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION channels_hidden_from(uuid) TO :app;

-- Which channels this transaction does not see; it was set when it began, for who sees fewer than all.
CREATE FUNCTION channels_hidden() RETURNS uuid[] LANGUAGE sql STABLE
    AS $$ SELECT coalesce(nullif(current_setting('app.hidden', true), ''), '{}')::uuid[] $$;
REVOKE ALL ON FUNCTION channels_hidden() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION channels_hidden() TO :app;

-- Beneath all code: what is of a hidden channel is not there. `<>` on ids is leakproof, so indexes are used as before.
CREATE POLICY seen ON channels AS RESTRICTIVE TO :app USING (id <> ALL ((SELECT channels_hidden())::uuid[]));
CREATE POLICY seen ON site_channels AS RESTRICTIVE TO :app
    USING (channel_id <> ALL ((SELECT channels_hidden())::uuid[]));
CREATE POLICY seen ON held_submissions AS RESTRICTIVE TO :app
    USING (channel_id <> ALL ((SELECT channels_hidden())::uuid[]));
CREATE POLICY seen ON conversations AS RESTRICTIVE TO :app
    USING (channel_id <> ALL ((SELECT channels_hidden())::uuid[]));
CREATE POLICY seen ON conversation_counts AS RESTRICTIVE TO :app
    USING (channel_id <> ALL ((SELECT channels_hidden())::uuid[]));
CREATE POLICY seen ON messages AS RESTRICTIVE TO :app
    USING (channel_id <> ALL ((SELECT channels_hidden())::uuid[]));
CREATE POLICY seen ON message_marks AS RESTRICTIVE TO :app
    USING (channel_id <> ALL ((SELECT channels_hidden())::uuid[]));
CREATE POLICY seen ON media AS RESTRICTIVE TO :app
    USING (channel_id <> ALL ((SELECT channels_hidden())::uuid[]));

-- What names a conversation and no channel. A function of SQL with a question in it is called for each row, which is
-- few; the planner might otherwise read all conversations first. Where nothing is hidden nothing is asked.
CREATE FUNCTION conversation_seen(wanted uuid) RETURNS boolean LANGUAGE sql STABLE
    AS $$ SELECT EXISTS (SELECT FROM conversations AS c WHERE c.id = wanted) $$;
REVOKE ALL ON FUNCTION conversation_seen(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION conversation_seen(uuid) TO :app;
CREATE POLICY seen ON notes AS RESTRICTIVE TO :app
    USING ((SELECT channels_hidden() = '{}') OR conversation_seen(conversation_id));
CREATE POLICY seen ON mentions AS RESTRICTIVE TO :app
    USING ((SELECT channels_hidden() = '{}') OR conversation_seen(conversation_id));
CREATE POLICY seen ON drafts AS RESTRICTIVE TO :app
    USING ((SELECT channels_hidden() = '{}') OR conversation_seen(conversation_id));
CREATE POLICY seen ON conversation_labels AS RESTRICTIVE TO :app
    USING ((SELECT channels_hidden() = '{}') OR conversation_seen(conversation_id));
CREATE POLICY seen ON conversation_attributes AS RESTRICTIVE TO :app
    USING ((SELECT channels_hidden() = '{}') OR conversation_seen(conversation_id));
CREATE POLICY seen ON conversation_participants AS RESTRICTIVE TO :app
    USING ((SELECT channels_hidden() = '{}') OR conversation_seen(conversation_id));
CREATE POLICY seen ON macro_runs AS RESTRICTIVE TO :app
    USING ((SELECT channels_hidden() = '{}') OR conversation_seen(conversation_id));

-- Who, beside owners and admins, is told of what happens on channels that not everyone sees; nothing of others.
CREATE FUNCTION viewers_of(organizations uuid[], wanted uuid[]) RETURNS TABLE (id uuid, viewers uuid[])
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT about.id, ARRAY(
            SELECT v.viewer_id FROM channel_viewers AS v WHERE v.channel_id = about.channel_id AND v.kind = 'user'
            UNION
            SELECT m.user_id FROM channel_viewers AS v
            JOIN team_members AS m ON m.team_id = v.viewer_id AND m.present
            JOIN teams AS t ON t.team_id = m.team_id AND NOT t.gone
            WHERE v.channel_id = about.channel_id AND v.kind = 'team'
        )
        FROM (
            SELECT c.id, c.id AS channel_id FROM channels AS c
            WHERE c.organization_id = ANY (organizations) AND c.visible_to = 'chosen' AND c.id = ANY (wanted)
            UNION ALL
            SELECT v.id, v.channel_id FROM channels AS c JOIN conversations AS v ON v.channel_id = c.id
            WHERE c.organization_id = ANY (organizations) AND c.visible_to = 'chosen' AND v.id = ANY (wanted)
        ) AS about
    $$;
REVOKE ALL ON FUNCTION viewers_of(uuid[], uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION viewers_of(uuid[], uuid[]) TO :app;
ALTER FUNCTION viewers_of(uuid[], uuid[]) OWNER TO :loops;

CREATE FUNCTION channel_to_release() RETURNS TABLE (id uuid, organization_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$ SELECT c.id, c.organization_id FROM channels AS c WHERE c.release_due ORDER BY c.id LIMIT 1 $$;
REVOKE ALL ON FUNCTION channel_to_release() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION channel_to_release() TO :app;
ALTER FUNCTION channel_to_release() OWNER TO :loops;
