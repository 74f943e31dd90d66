-- Every sign-in and every refresh wrote it; the one question that it answered, when somebody was last seen in a list for
-- staff, reads the sessions of a person by sessions_of_user: a hundred that go on at most, and those of a month.
DROP INDEX sessions_by_use;
