//! The answers: the first one given for a request stays.

/// SQL of the table, for `init.sql` and for services that start without it.
pub const DDL: &str = "CREATE TABLE IF NOT EXISTS answers (
    request_id text PRIMARY KEY,
    prediction double precision NOT NULL,
    low double precision,
    high double precision,
    model text NOT NULL,
    answered_at timestamptz NOT NULL DEFAULT now(),
    payload bytea NOT NULL,
    segment text
);
CREATE INDEX IF NOT EXISTS answers_answered_at ON answers USING brin (answered_at);
";
/// SQL that gives a table made before version 0.1 its newer column, and lets answers be without a range,
/// as those of a class are.
pub const UPGRADE: &str = "ALTER TABLE answers ADD COLUMN IF NOT EXISTS segment text,
    ALTER COLUMN low DROP NOT NULL, ALTER COLUMN high DROP NOT NULL;
";
