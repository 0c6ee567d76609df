-- Size and digest of the whole payload where only its beginning is stored; null: the payload is whole.
ALTER TABLE rejects ADD COLUMN IF NOT EXISTS payload_bytes bigint,
    ADD COLUMN IF NOT EXISTS payload_sha256 bytea;
