-- Whoever takes a permission back is heard in every organization: nobody asks for the first one any more. At once and
-- not a release later, since no release has had it.

DROP FUNCTION owners_of_grants(text, bytea[]);
