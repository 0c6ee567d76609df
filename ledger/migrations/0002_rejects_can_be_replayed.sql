-- Looks before it alters: a table that has the columns is not locked.
DO $$ BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_attribute
        WHERE attrelid = 'rejects'::regclass AND attname = 'replayed_at' AND NOT attisdropped
    ) THEN
        ALTER TABLE rejects ADD COLUMN key bytea, ADD COLUMN replayed_at timestamptz;
    END IF;
END $$;
