-- Who comes on a known device signs in by two statements: one says whose address it is and counts the guess, one begins the
-- session. So guesses on a device are found by the id of the device's own row, which the first question knows by itself, and
-- no longer by a keyed hash; what was counted under the hash until now is found no more and goes with its age. The row of a
-- device is of one person and one token, and gone with its hundredth wrong guess in a row, as before.
COMMENT ON TABLE throttles IS 'Guesses without success: on a known device by the id of its row, else by keyed hash of on what or from where. recent makes the wait, failures counts since the last success; identifiers is a sketch of how many were tried from a network; lock_id is what the mail unlocks.';

-- The session of a person whose password was right on this device of theirs. What was guessed there is forgotten in any
-- case; the session begins only where nothing else is to be asked or done: no second factor in use, nobody suspended, the
-- device still known, fewer sessions going on than room_for, and none ended together since the password was looked up, when
-- the epoch was as_of. Else nothing is returned. What is locked is locked in the order of everybody: guesses, person, device.
CREATE FUNCTION begin_session_on_known_device(
    session_id uuid, of_user uuid, as_of bigint, on_device uuid, life interval, shown text[], sealed bytea, room_for integer
) RETURNS TABLE (epoch bigint, sessions_from_epoch bigint)
    LANGUAGE plpgsql VOLATILE
    AS $$
    #variable_conflict use_column
    BEGIN
        DELETE FROM throttles WHERE scope = 'device' AND key = uuid_send(on_device);
        RETURN QUERY
        WITH person AS (
            SELECT u.epoch, u.sessions_from_epoch
            FROM users AS u
            WHERE u.id = of_user AND u.suspended_at IS NULL AND u.sessions_from_epoch <= as_of
              AND NOT EXISTS (SELECT FROM passkeys WHERE user_id = of_user)
              AND NOT EXISTS (SELECT FROM totp_factors WHERE user_id = of_user AND activated_at IS NOT NULL)
              AND (SELECT count(*) FROM (
                       SELECT FROM sessions WHERE user_id = of_user AND ended_at IS NULL LIMIT room_for
                   ) AS going_on) < room_for
            FOR KEY SHARE OF u
        ), device AS (
            UPDATE devices AS d SET seen_at = kit_now()
            FROM person WHERE d.id = on_device AND d.user_id = of_user
            RETURNING d.id, person.epoch, person.sessions_from_epoch
        ), session AS (
            INSERT INTO sessions (id, user_id, epoch, expires_at, proofs, device_id, visitor_sealed)
            SELECT session_id, of_user, device.epoch, kit_now() + life, shown, device.id, sealed FROM device
        ), counted AS (
            INSERT INTO activity AS held (user_id, day, sign_ins)
            SELECT of_user, (kit_now() AT TIME ZONE 'UTC')::date, 1 FROM device
            ON CONFLICT (user_id, day) DO UPDATE SET sign_ins = least(held.sign_ins + 1, 1000000)
        )
        SELECT device.epoch, device.sessions_from_epoch FROM device;
    END
    $$;
REVOKE ALL ON FUNCTION begin_session_on_known_device(uuid, uuid, bigint, uuid, interval, text[], bytea, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION begin_session_on_known_device(uuid, uuid, bigint, uuid, interval, text[], bytea, integer) TO :app;
