//! The tables of live quality.

/// SQL of them as the newest migration leaves them, for `init.sql`.
pub const DDL: &str = "CREATE TABLE IF NOT EXISTS actuals (
    request_id text PRIMARY KEY,
    actual double precision NOT NULL,
    observed_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS actuals_by_time ON actuals (received_at);
CREATE TABLE IF NOT EXISTS tallies (
    model text NOT NULL,
    hour timestamptz NOT NULL,
    writer text NOT NULL,
    tally jsonb NOT NULL,
    PRIMARY KEY (model, hour, writer)
);
CREATE TABLE IF NOT EXISTS quality (
    computed_at timestamptz NOT NULL,
    time_window text NOT NULL,
    model text NOT NULL,
    segment text NOT NULL,
    answers bigint NOT NULL,
    labelled bigint NOT NULL,
    mdape double precision,
    rmse double precision,
    bias double precision,
    within_10 double precision,
    within_20 double precision,
    cod double precision,
    prd double precision,
    prb double precision,
    coverage double precision,
    PRIMARY KEY (computed_at, time_window, model, segment)
);
CREATE TABLE IF NOT EXISTS answer_counts (
    since timestamptz NOT NULL,
    seconds integer NOT NULL,
    model text NOT NULL,
    segment text NOT NULL,
    answers bigint NOT NULL,
    PRIMARY KEY (since, seconds, model, segment)
);
CREATE TABLE IF NOT EXISTS quality_progress (
    name text PRIMARY KEY,
    counted_until timestamptz NOT NULL
);
CREATE TABLE IF NOT EXISTS labelled_answers (
    request_id text PRIMARY KEY,
    model text NOT NULL,
    segment text,
    prediction double precision NOT NULL,
    low double precision NOT NULL,
    high double precision NOT NULL,
    answered_at timestamptz NOT NULL,
    actual double precision NOT NULL,
    observed_at timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS labelled_answers_answered_at ON labelled_answers (answered_at);
";
