-- Labelled answers of a class have no prediction interval.
DO $$ BEGIN
    IF EXISTS (
        SELECT FROM pg_attribute
        WHERE attrelid = 'labelled_answers'::regclass AND attname IN ('low', 'high') AND attnotnull
    ) THEN
        ALTER TABLE labelled_answers ALTER COLUMN low DROP NOT NULL, ALTER COLUMN high DROP NOT NULL;
    END IF;
END $$;
