-- The tables as the first release had them. Databases that are older than the list of migrations have them already.
CREATE TABLE IF NOT EXISTS arrivals (
    source text NOT NULL,
    minute timestamptz NOT NULL,
    stored bigint NOT NULL,
    rejected bigint NOT NULL,
    PRIMARY KEY (source, minute)
);
CREATE TABLE IF NOT EXISTS answers (
    request_id text PRIMARY KEY,
    prediction double precision NOT NULL,
    low double precision NOT NULL,
    high double precision NOT NULL,
    model text NOT NULL,
    answered_at timestamptz NOT NULL DEFAULT now(),
    payload bytea NOT NULL
);
CREATE TABLE IF NOT EXISTS actuals (
    request_id text PRIMARY KEY,
    actual double precision NOT NULL,
    observed_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now()
);
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
CREATE TABLE IF NOT EXISTS offsets (
    cluster text NOT NULL,
    consumer text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    next_offset bigint NOT NULL,
    PRIMARY KEY (cluster, consumer, topic, partition)
);
CREATE TABLE IF NOT EXISTS rejects (
    cluster text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    code text NOT NULL,
    reason text NOT NULL,
    payload bytea NOT NULL,
    rejected_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (cluster, topic, partition, "offset")
);
