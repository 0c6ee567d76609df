-- Live quality of classes: what stands in the place of errors in per cent.
ALTER TABLE quality
    ADD COLUMN IF NOT EXISTS log_loss double precision,
    ADD COLUMN IF NOT EXISTS brier double precision,
    ADD COLUMN IF NOT EXISTS auc double precision,
    ADD COLUMN IF NOT EXISTS calibration_error double precision;
