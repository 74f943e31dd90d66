-- A challenge begins in one round trip. The lock is taken before anything is read, so that of many who ask for one address
-- at once each counts those before it: within a function that is volatile every statement sees what was committed until then.
CREATE FUNCTION begin_challenge(
    alone bigint, challenge_id uuid, of_purpose text, of_kind text, at_blind bytea, new_identity uuid, new_user uuid,
    as_sealed bytea, hashed text, in_locale text, life interval, at_most integer, again boolean, within interval
) RETURNS SETOF challenges
    LANGUAGE plpgsql VOLATILE
    AS $$
    BEGIN
        PERFORM pg_advisory_xact_lock(alone);
        RETURN QUERY
        INSERT INTO challenges (id, purpose, kind, blind, identity_id, user_id, known, sealed, password_hash,
                                sessions_from_epoch, locale, expires_at)
        SELECT challenge_id, of_purpose, of_kind, at_blind, coalesce(i.id, new_identity), coalesce(i.user_id, new_user),
               i.id IS NOT NULL, as_sealed,
               CASE WHEN again THEN coalesce((SELECT held.password_hash FROM challenges AS held
                                              WHERE held.blind = at_blind AND held.purpose = of_purpose
                                              ORDER BY held.id DESC LIMIT 1), '')
                    ELSE hashed END,
               u.sessions_from_epoch, in_locale, kit_now() + life
        FROM (SELECT) AS one
        LEFT JOIN identities AS i ON i.kind = of_kind AND i.blind = at_blind AND i.verified_at IS NOT NULL
        LEFT JOIN users AS u ON u.id = i.user_id
        WHERE (SELECT count(*) FROM challenges AS lately
               WHERE lately.blind = at_blind AND lately.purpose = of_purpose
                 AND lately.created_at > kit_now() - within) < at_most
        RETURNING *;
    END
    $$;
REVOKE ALL ON FUNCTION begin_challenge(
    bigint, uuid, text, text, bytea, uuid, uuid, bytea, text, text, interval, integer, boolean, interval
) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION begin_challenge(
    bigint, uuid, text, text, bytea, uuid, uuid, bytea, text, text, interval, integer, boolean, interval
) TO :app;
