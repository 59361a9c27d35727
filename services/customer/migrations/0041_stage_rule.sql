-- What time has made of a customer's stage stands beside what people have corrected: nobody did it, at no store.
ALTER TABLE stage_corrections
    ADD COLUMN cause smallint NOT NULL DEFAULT 1 CHECK (cause IN (1, 2)),
    ALTER COLUMN store_id DROP NOT NULL,
    ALTER COLUMN staff_id DROP NOT NULL,
    DROP CONSTRAINT stage_corrections_reason_check,
    ADD CONSTRAINT stage_corrections_reason_check CHECK (char_length(reason) <= 500 AND (reason = '') = (cause = 2)),
    ADD CHECK ((store_id IS NULL) = (cause = 2)),
    ADD CHECK ((staff_id IS NULL) = (cause = 2));
COMMENT ON TABLE stage_corrections IS 'append-only: who corrected which customer''s stage, and why; and what time made of it';

-- How far the night's look through all files is: one row.
CREATE TABLE stage_pass (
    one         boolean PRIMARY KEY DEFAULT true CHECK (one),
    start_time  timestamptz,
    -- All up to this one are done.
    last_id     uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    finish_time timestamptz,
    -- How many files were looked at, and how many of those moved.
    looked      bigint NOT NULL DEFAULT 0,
    moved       bigint NOT NULL DEFAULT 0
);
INSERT INTO stage_pass DEFAULT VALUES;
