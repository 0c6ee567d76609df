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
