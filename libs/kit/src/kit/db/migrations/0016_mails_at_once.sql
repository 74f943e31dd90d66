-- A mail and the effect that sends it, as a statement of its own or as a part of another one; false when one with its
-- dedupe key was queued before. It runs with the rights, and sees the rows, of whoever calls it.
CREATE FUNCTION queue_mail(
    mail_id uuid, for_organization uuid, of_category text, by_template text, in_locale text, is_about uuid,
    has_detail uuid, to_address bytea, to_hash bytea, with_parameters bytea, has_message_id text, once text,
    of_kind text, on_lane text, entry_id uuid, until timestamptz
) RETURNS boolean
    LANGUAGE plpgsql VOLATILE
    AS $$
    DECLARE
        lane bigint;
    BEGIN
        INSERT INTO outgoing_mails (id, organization_id, category, template, locale, about, detail,
                                    address, address_hash, parameters, message_id, dedupe_key)
        VALUES (mail_id, for_organization, of_category, by_template, in_locale, is_about, has_detail,
                to_address, to_hash, with_parameters, has_message_id, once)
        ON CONFLICT (coalesce(organization_id, '00000000-0000-0000-0000-000000000000'), dedupe_key) DO NOTHING;
        IF NOT FOUND THEN
            RETURN false;
        END IF;
        LOOP
            SELECT id INTO lane FROM ledger_lanes
            WHERE key = on_lane
              AND (organization_id = for_organization OR (organization_id IS NULL AND for_organization IS NULL));
            EXIT WHEN FOUND;
            INSERT INTO ledger_lanes (organization_id, key) VALUES (for_organization, on_lane)
            ON CONFLICT (organization_id, key) DO NOTHING;
        END LOOP;
        INSERT INTO ledger_entries
            (id, kind, organization_id, lane_id, subject_id, due_at, first_due_at, expires_at)
        VALUES (entry_id, of_kind, for_organization, lane, mail_id, kit_now(), kit_now(), until)
        ON CONFLICT (kind, subject_id) DO NOTHING;
        INSERT INTO ledger_wakes (organization_id, lane_id, due_at) VALUES (for_organization, lane, kit_now());
        RETURN true;
    END
    $$;
REVOKE ALL ON FUNCTION queue_mail(
    uuid, uuid, text, text, text, uuid, uuid, bytea, bytea, bytea, text, text, text, text, uuid, timestamptz
) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION queue_mail(
    uuid, uuid, text, text, text, uuid, uuid, bytea, bytea, bytea, text, text, text, text, uuid, timestamptz
) TO :app;
