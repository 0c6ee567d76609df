-- The tables of the default schema; made by every service too.

CREATE TABLE IF NOT EXISTS listings (
    id text PRIMARY KEY,
    listed_at timestamptz NOT NULL,
    city text NOT NULL,
    street text NOT NULL,
    floor bigint NOT NULL,
    rooms bigint NOT NULL,
    floors_total bigint,
    area double precision,
    kitchen_area double precision,
    year_built bigint,
    building_type text,
    latitude double precision,
    longitude double precision,
    price double precision NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS listings_listed_at ON listings (listed_at);

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
-- Looks before it alters: a table that has the columns is not locked.
DO $$ BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_attribute
        WHERE attrelid = 'rejects'::regclass AND attname = 'replayed_at' AND NOT attisdropped
    ) THEN
        ALTER TABLE rejects ADD COLUMN key bytea, ADD COLUMN replayed_at timestamptz;
    END IF;
END $$;
-- Answers have a segment, and those of a class have no prediction interval.
DO $$ BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_attribute
        WHERE attrelid = 'answers'::regclass AND attname = 'segment' AND NOT attisdropped
    ) THEN
        ALTER TABLE answers ADD COLUMN segment text;
    END IF;
    IF EXISTS (
        SELECT FROM pg_attribute
        WHERE attrelid = 'answers'::regclass AND attname IN ('low', 'high') AND attnotnull
    ) THEN
        ALTER TABLE answers ALTER COLUMN low DROP NOT NULL, ALTER COLUMN high DROP NOT NULL;
    END IF;
END $$;
-- Kafka's id of the topic: a topic that is deleted and made again under its name has another.
ALTER TABLE offsets ADD COLUMN IF NOT EXISTS topic_id text;
-- Size and digest of the whole payload where only its beginning is stored; null: the payload is whole.
ALTER TABLE rejects ADD COLUMN IF NOT EXISTS payload_bytes bigint,
    ADD COLUMN IF NOT EXISTS payload_sha256 bytea;
-- Digest of the request's record: the same id with another record is a conflict.
ALTER TABLE answers ADD COLUMN IF NOT EXISTS digest bytea;
-- For deletes by age: a BRIN index widens with every page that is used again, until it names all pages.
CREATE INDEX IF NOT EXISTS answers_by_time ON answers (answered_at);
-- The B-tree of the step before serves its queries.
DROP INDEX IF EXISTS answers_answered_at;
-- For deletes by age.
CREATE INDEX IF NOT EXISTS actuals_by_time ON actuals (received_at);
-- For deletes by age.
CREATE INDEX IF NOT EXISTS rejects_by_time ON rejects (rejected_at);
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
-- The id of the first topic met under a name: records without a key get one from the place of their message,
-- and a topic that is deleted and made again has the same places.
CREATE TABLE IF NOT EXISTS topic_ids (
    cluster text NOT NULL,
    topic text NOT NULL,
    first_id text NOT NULL,
    PRIMARY KEY (cluster, topic)
);
INSERT INTO topic_ids (cluster, topic, first_id)
    SELECT DISTINCT ON (cluster, topic) cluster, topic, topic_id FROM offsets WHERE topic_id IS NOT NULL
    ORDER BY cluster, topic
    ON CONFLICT DO NOTHING;
-- The request's fields, so that SQL can compare prices with what they were asked for; and the answers as JSON. Neither
-- rewrites the table.
ALTER TABLE answers ADD COLUMN IF NOT EXISTS request jsonb;
CREATE OR REPLACE VIEW answers_readable AS
    SELECT request_id, prediction, low, high, model, segment, answered_at, request,
        convert_from(payload, 'UTF8')::jsonb AS answer
    FROM answers;
-- Sweeps whose trials several workers share: what decides the trials with the rows they are fitted on, and the trials.
CREATE TABLE IF NOT EXISTS hedonic_sweeps (
    name text PRIMARY KEY,
    plan jsonb NOT NULL,
    run jsonb NOT NULL,
    training_set bytea NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    closer text,
    closer_until timestamptz,
    closed_trials integer NOT NULL DEFAULT 0,
    result jsonb
);
CREATE TABLE IF NOT EXISTS hedonic_sweep_trials (
    sweep text NOT NULL REFERENCES hedonic_sweeps (name) ON DELETE CASCADE,
    number integer NOT NULL,
    point double precision[] NOT NULL,
    tries integer NOT NULL DEFAULT 0,
    worker text,
    lease_until timestamptz,
    trial jsonb,
    finished_at timestamptz,
    PRIMARY KEY (sweep, number)
);
-- What the width of an answer's interval was multiplied by, as labels of earlier answers adapted it; NULL is 1.
ALTER TABLE answers ADD COLUMN IF NOT EXISTS interval_factor double precision;
-- Labels are compared with the interval that the model had without the factor.
ALTER TABLE labelled_answers ADD COLUMN IF NOT EXISTS interval_factor double precision;
-- Labelled answers of a class have no prediction interval.
DO $$ BEGIN
    IF EXISTS (
        SELECT FROM pg_attribute
        WHERE attrelid = 'labelled_answers'::regclass AND attname IN ('low', 'high') AND attnotnull
    ) THEN
        ALTER TABLE labelled_answers ALTER COLUMN low DROP NOT NULL, ALTER COLUMN high DROP NOT NULL;
    END IF;
END $$;
-- Live quality of classes: what stands in the place of errors in per cent.
ALTER TABLE quality
    ADD COLUMN IF NOT EXISTS log_loss double precision,
    ADD COLUMN IF NOT EXISTS brier double precision,
    ADD COLUMN IF NOT EXISTS auc double precision,
    ADD COLUMN IF NOT EXISTS calibration_error double precision;
-- The request's fields as bytes: PostgreSQL took a third of its time for an answer to parse them as jsonb. `request` has those of
-- earlier releases.
ALTER TABLE answers ADD COLUMN IF NOT EXISTS record bytea;
CREATE OR REPLACE VIEW answers_readable AS
    SELECT request_id, prediction, low, high, model, segment, answered_at,
        coalesce(request, convert_from(record, 'UTF8')::jsonb) AS request,
        convert_from(payload, 'UTF8')::jsonb AS answer
    FROM answers;
-- The label of an answer of several classes is the name of one of them, in place of a number.
ALTER TABLE actuals ADD COLUMN IF NOT EXISTS class text;
DO $$ BEGIN
    IF EXISTS (
        SELECT FROM pg_attribute
        WHERE attrelid = 'actuals'::regclass AND attname = 'actual' AND attnotnull
    ) THEN
        ALTER TABLE actuals ALTER COLUMN actual DROP NOT NULL;
    END IF;
END $$;

-- Of a labelled answer of several classes: the class that it was, the probability that the answer gave to it, and the sum of
-- squares of probability less class. `actual` is 1 where it was the predicted one.
ALTER TABLE labelled_answers
    ADD COLUMN IF NOT EXISTS class text,
    ADD COLUMN IF NOT EXISTS class_probability double precision,
    ADD COLUMN IF NOT EXISTS brier double precision;

-- Live quality of several classes: the share of answers whose class was the predicted one.
ALTER TABLE quality ADD COLUMN IF NOT EXISTS accuracy double precision;

CREATE TABLE IF NOT EXISTS ledger_migrations (
    version integer PRIMARY KEY,
    name text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO ledger_migrations (version, name) VALUES
    (1, '0001_first_tables'),
    (2, '0002_rejects_can_be_replayed'),
    (3, '0003_answers_of_classes'),
    (4, '0004_offsets_name_the_topic_id'),
    (5, '0005_rejects_may_be_shortened'),
    (6, '0006_answers_know_their_request'),
    (7, '0007_answers_by_time'),
    (8, '0008_no_brin_on_answers'),
    (9, '0009_actuals_by_time'),
    (10, '0010_rejects_by_time'),
    (11, '0011_quality_by_counts'),
    (12, '0012_first_topic_ids'),
    (13, '0013_answers_know_what_was_asked'),
    (14, '0014_sweeps'),
    (15, '0015_answers_know_their_factor'),
    (16, '0016_labels_know_the_factor'),
    (17, '0017_labels_of_classes'),
    (18, '0018_quality_of_classes'),
    (19, '0019_requests_as_bytes'),
    (20, '0020_labels_of_several_classes'),
    (21, '0021_labelled_answers_of_several_classes'),
    (22, '0022_quality_of_several_classes')
ON CONFLICT DO NOTHING;
