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

/// Stores answers that are all new, as binary rows; fails (23505) where an id is known.
pub const COPY: &str = "COPY answers \
    (request_id, prediction, low, high, model, payload, segment, digest) \
    FROM STDIN (FORMAT BINARY)";

/// Stores answers and leaves out those whose id is known. Binds a column each, in the order of [`COPY`].
pub const INSERT: &str = "INSERT INTO answers \
    (request_id, prediction, low, high, model, payload, segment, digest) \
    SELECT * FROM unnest($1::text[], $2::float8[], $3::float8[], $4::float8[], $5::text[], \
    $6::bytea[], $7::text[], $8::bytea[]) ON CONFLICT DO NOTHING";

/// What is stored under ids: id, payload, and the digest of the request that it was given to.
pub const STORED: &str =
    "SELECT request_id, payload, digest FROM answers WHERE request_id = ANY($1)";
