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
