//! The answers: the first one given for a request stays.

/// SQL of the table as the newest migration leaves it, for `init.sql`.
pub const DDL: &str = "CREATE TABLE IF NOT EXISTS answers (
    request_id text PRIMARY KEY,
    prediction double precision NOT NULL,
    low double precision,
    high double precision,
    model text NOT NULL,
    answered_at timestamptz NOT NULL DEFAULT now(),
    payload bytea NOT NULL,
    segment text,
    digest bytea
);
CREATE INDEX IF NOT EXISTS answers_by_time ON answers (answered_at);
";
