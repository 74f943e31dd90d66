-- What an organization knows of its contacts, and the segments it makes of them.
ALTER TABLE attributes DROP CONSTRAINT attributes_type_check;
ALTER TABLE attributes ADD CONSTRAINT attributes_type_check
    CHECK (type IN ('text', 'number', 'date', 'list', 'several', 'checkbox', 'link'));

CREATE TABLE contact_attributes (
    organization_id uuid NOT NULL,
    contact_id      uuid NOT NULL REFERENCES contacts,
    attribute_id    uuid NOT NULL REFERENCES attributes,
    place           smallint NOT NULL DEFAULT 0,
    value           text,
    value_sealed    bytea,
    key             text COLLATE "C" CHECK (length(key) <= 100),
    number          double precision,
    blind           bytea,
    changed_at      timestamptz NOT NULL DEFAULT kit_now(),
    PRIMARY KEY (contact_id, attribute_id, place),
    CHECK ((value IS NULL) <> (value_sealed IS NULL)),
    CHECK ((value_sealed IS NULL) = (blind IS NULL) AND (value IS NULL) = (key IS NULL))
);
COMMENT ON TABLE contact_attributes IS 'Values of attributes on contacts; personal ones lie sealed and are found by a keyed hash. key is the value as it is compared.';
CREATE INDEX contact_attributes_by_key ON contact_attributes (attribute_id, key, contact_id) WHERE key IS NOT NULL;
CREATE INDEX contact_attributes_by_number ON contact_attributes (attribute_id, number, contact_id) WHERE number IS NOT NULL;
CREATE INDEX contact_attributes_by_blind ON contact_attributes (attribute_id, blind, contact_id) WHERE blind IS NOT NULL;
ALTER TABLE contact_attributes ENABLE ROW LEVEL SECURITY;
ALTER TABLE contact_attributes FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON contact_attributes TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, UPDATE, DELETE ON contact_attributes TO :app;

CREATE POLICY sweeping ON contact_attributes TO :loops USING (true);
GRANT SELECT, DELETE ON contact_attributes TO :loops;
DROP FUNCTION attributes_sweep(integer);  -- at once and not a release later, since no release has had it
CREATE FUNCTION attributes_sweep(at_most integer) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
    DECLARE
        swept integer;
    BEGIN
        WITH gone AS (
            DELETE FROM conversation_attributes AS v WHERE (v.conversation_id, v.attribute_id) IN (
                SELECT w.conversation_id, w.attribute_id
                FROM attributes AS a JOIN conversation_attributes AS w ON w.attribute_id = a.id
                WHERE a.deleted_at IS NOT NULL LIMIT at_most)
            RETURNING 1
        ) SELECT count(*) INTO swept FROM gone;
        IF swept > 0 THEN RETURN swept; END IF;
        WITH gone AS (
            DELETE FROM contact_attributes AS v WHERE (v.contact_id, v.attribute_id, v.place) IN (
                SELECT w.contact_id, w.attribute_id, w.place
                FROM attributes AS a JOIN contact_attributes AS w ON w.attribute_id = a.id
                WHERE a.deleted_at IS NOT NULL LIMIT at_most)
            RETURNING 1
        ) SELECT count(*) INTO swept FROM gone;
        IF swept > 0 THEN RETURN swept; END IF;
        WITH gone AS (
            DELETE FROM attributes AS a WHERE a.deleted_at IS NOT NULL
              AND NOT EXISTS (SELECT FROM conversation_attributes AS w WHERE w.attribute_id = a.id)
              AND NOT EXISTS (SELECT FROM contact_attributes AS w WHERE w.attribute_id = a.id)
            RETURNING 1
        ) SELECT count(*) INTO swept FROM gone;
        RETURN swept;
    END
    $$;
REVOKE ALL ON FUNCTION attributes_sweep(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION attributes_sweep(integer) TO :app;
ALTER FUNCTION attributes_sweep(integer) OWNER TO :loops;

ALTER TABLE arrangements DROP CONSTRAINT arrangements_kind_check;
ALTER TABLE arrangements ADD CONSTRAINT arrangements_kind_check
    CHECK (kind IN ('canned_reply', 'macro', 'view', 'segment'));

CREATE INDEX contacts_in_order ON contacts (organization_id, id) WHERE merged_into IS NULL AND blocked_at IS NULL;

CREATE POLICY segmenting ON contacts FOR SELECT TO :loops USING (true);
CREATE POLICY segmenting ON contact_identities FOR SELECT TO :loops USING (true);
CREATE POLICY segmenting ON consents FOR SELECT TO :loops USING (true);
GRANT SELECT (id, organization_id, merged_into, blocked_at, created_at) ON contacts TO :loops;
GRANT SELECT (organization_id, kind, contact_id, left_at) ON contact_identities TO :loops;
GRANT SELECT ON consents TO :loops;

-- One condition as SQL on the contact c. Everything that comes from outside is a literal by format('%L'); the words of
-- the language are compared with a list, never copied. Whoever adds a word adds it in inbox.segments.plan, too.
CREATE FUNCTION segment_sql(org uuid, plan jsonb, depth integer DEFAULT 0) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = :schema, kit, pg_temp
    AS $$
    DECLARE
        op text := plan ->> 'op';
        test text;
    BEGIN
        IF depth > 8 THEN RAISE EXCEPTION 'a segment is nested too deeply'; END IF;
        CASE plan ->> 'on'
        WHEN 'all' THEN
            RETURN '(' || coalesce((SELECT string_agg(segment_sql(org, each, depth + 1), ' AND ')
                                    FROM jsonb_array_elements(plan -> 'of') AS each), 'true') || ')';
        WHEN 'any' THEN
            RETURN '(' || coalesce((SELECT string_agg(segment_sql(org, each, depth + 1), ' OR ')
                                    FROM jsonb_array_elements(plan -> 'of') AS each), 'false') || ')';
        WHEN 'not' THEN
            RETURN 'NOT ' || segment_sql(org, plan -> 'of', depth + 1);
        WHEN 'attribute' THEN
            test := CASE op
                WHEN 'known' THEN 'true'
                WHEN 'key' THEN format('a.key = ANY (%L::text[])', ARRAY(SELECT jsonb_array_elements_text(plan -> 'values')))
                WHEN 'blind' THEN format('a.blind = decode(%L, ''hex'')', plan ->> 'value')
                WHEN 'begins' THEN format('a.key >= %L AND a.key < %L', plan ->> 'value', (plan ->> 'value') || U&'\+10FFFF')
                WHEN 'contains' THEN format('position(%L in a.key) > 0', plan ->> 'value')
                WHEN 'key_range' THEN format('a.key >= %L AND a.key <= %L',
                    coalesce(plan ->> 'from', ''), coalesce(plan ->> 'to', U&'\+10FFFF'))
                WHEN 'number' THEN format('a.number >= %L::float8 AND a.number <= %L::float8',
                    coalesce(plan ->> 'from', '-Infinity'), coalesce(plan ->> 'to', 'Infinity'))
                END;
            IF test IS NULL THEN RAISE EXCEPTION 'a segment asks for what there is not'; END IF;
            RETURN format(
                'c.id IN (SELECT coalesce(m.merged_into, m.id) FROM contact_attributes AS a JOIN contacts AS m '
                'ON m.id = a.contact_id WHERE a.organization_id = %L AND a.attribute_id = %L AND %s)',
                org, (plan ->> 'id')::uuid, test);
        WHEN 'label' THEN
            RETURN format(
                'c.id IN (SELECT coalesce(m.merged_into, m.id) FROM contact_labels AS a JOIN contacts AS m '
                'ON m.id = a.contact_id WHERE a.organization_id = %L AND a.label_id = %L)', org, (plan ->> 'id')::uuid);
        WHEN 'consent' THEN
            RETURN format(
                'c.id IN (SELECT s.head FROM (SELECT DISTINCT ON (coalesce(m.merged_into, m.id)) '
                'coalesce(m.merged_into, m.id) AS head, a.state, '
                'bool_or(a.ever_granted) OVER (PARTITION BY coalesce(m.merged_into, m.id)) AS ever '
                'FROM consents AS a JOIN contacts AS m ON m.id = a.contact_id WHERE a.organization_id = %L '
                'AND a.channel_kind = %L AND a.purpose = %L '
                'ORDER BY coalesce(m.merged_into, m.id), a.at DESC, a.state = ''withdrawn'' DESC) AS s WHERE %s)',
                org, plan ->> 'channel_kind', plan ->> 'purpose',
                CASE plan ->> 'state' WHEN 'withdrawn' THEN 's.state = ''withdrawn'''
                    ELSE '(s.state = ''granted'' OR s.state = ''resumed'' AND s.ever)' END);
        WHEN 'identity' THEN
            RETURN format(
                'c.id IN (SELECT coalesce(m.merged_into, m.id) FROM contact_identities AS a JOIN contacts AS m '
                'ON m.id = a.contact_id WHERE a.organization_id = %L AND a.kind = %L AND a.left_at IS NULL)',
                org, plan ->> 'kind');
        WHEN 'created' THEN
            RETURN format('(c.created_at >= %L::timestamptz AND c.created_at < %L::timestamptz)',
                coalesce(plan ->> 'from', '-infinity'), coalesce(plan ->> 'to', 'infinity'));
        WHEN 'spoken' THEN
            RETURN format(
                'c.id IN (SELECT a.contact_id FROM conversations AS a WHERE a.organization_id = %L '
                'AND a.continued_in IS NULL AND a.last_message_at >= %L::timestamptz AND a.last_message_at < %L::timestamptz '
                'AND (%L::text IS NULL OR a.channel_kind = %L))',
                org, coalesce(plan ->> 'from', '-infinity'), coalesce(plan ->> 'to', 'infinity'),
                plan ->> 'channel_kind', plan ->> 'channel_kind');
        ELSE
            RAISE EXCEPTION 'a segment asks for what there is not';
        END CASE;
    END
    $$;
REVOKE ALL ON FUNCTION segment_sql(uuid, jsonb, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION segment_sql(uuid, jsonb, integer) TO :loops;

CREATE FUNCTION segment_contacts(org uuid, plan jsonb, after_id uuid, at_most integer)
    RETURNS TABLE (contact_id uuid) LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
    BEGIN
        IF NOT org = ANY (current_setting('app.orgs')::uuid[]) THEN RAISE EXCEPTION 'not the organization of this transaction'; END IF;
        RETURN QUERY EXECUTE format(
            'SELECT c.id FROM contacts AS c WHERE c.organization_id = $1 AND c.merged_into IS NULL '
            'AND c.blocked_at IS NULL AND c.id > $2 AND %s ORDER BY c.id LIMIT $3', segment_sql(org, plan))
            USING org, coalesce(after_id, '00000000-0000-0000-0000-000000000000'::uuid), at_most;
    END
    $$;
REVOKE ALL ON FUNCTION segment_contacts(uuid, jsonb, uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION segment_contacts(uuid, jsonb, uuid, integer) TO :app;
ALTER FUNCTION segment_contacts(uuid, jsonb, uuid, integer) OWNER TO :loops;

CREATE FUNCTION segment_count(org uuid, plan jsonb) RETURNS bigint LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
    DECLARE
        counted bigint;
    BEGIN
        IF NOT org = ANY (current_setting('app.orgs')::uuid[]) THEN RAISE EXCEPTION 'not the organization of this transaction'; END IF;
        EXECUTE format(
            'SELECT count(*) FROM contacts AS c WHERE c.organization_id = $1 AND c.merged_into IS NULL '
            'AND c.blocked_at IS NULL AND %s', segment_sql(org, plan)) INTO counted USING org;
        RETURN counted;
    END
    $$;
REVOKE ALL ON FUNCTION segment_count(uuid, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION segment_count(uuid, jsonb) TO :app;
ALTER FUNCTION segment_count(uuid, jsonb) OWNER TO :loops;
