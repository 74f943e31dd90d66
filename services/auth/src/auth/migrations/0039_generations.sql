-- What generation has made on a day, by kind, and what that cost, as it has told.

CREATE TABLE daily_generations (
    day         date NOT NULL,
    kind        text NOT NULL,
    finished    bigint NOT NULL,
    cost_micros bigint NOT NULL,
    PRIMARY KEY (day, kind)
);
COMMENT ON TABLE daily_generations IS 'Generations that finished on a day in UTC, and what their calls cost in millionths of a US dollar.';
GRANT SELECT, INSERT, UPDATE, DELETE ON daily_generations TO :app;
