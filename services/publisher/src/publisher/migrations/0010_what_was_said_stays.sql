-- What a post said where it was published stays what it says: another text is another post.

CREATE FUNCTION refuse_to_change_what_was_said() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM deliveries WHERE post_id = OLD.id AND status = 'published') THEN
        RAISE EXCEPTION 'what was published does not change';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER what_was_said_stays BEFORE UPDATE OF text, content ON posts FOR EACH ROW
    WHEN (OLD.text IS DISTINCT FROM NEW.text OR OLD.content IS DISTINCT FROM NEW.content)
    EXECUTE FUNCTION refuse_to_change_what_was_said();

COMMENT ON COLUMN deliveries.content IS 'The fields of the post''s content that are others there.';
