-- Quality is computed from counts and from labelled answers, not from all answers of the window.
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
