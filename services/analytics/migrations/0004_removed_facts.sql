-- A delivery or a visit that an import had brought in may be taken back. Its row stays with the version that said so, and without a time,
-- so that it is in no month, and what is told late of it changes nothing.
ALTER TABLE deliveries ALTER COLUMN deliver_time DROP NOT NULL;
ALTER TABLE visits
    DROP CONSTRAINT visits_check,
    DROP CONSTRAINT visits_check1,
    ADD CONSTRAINT visits_check CHECK (check_in_time IS NULL OR started_version IS NOT NULL),
    ADD CONSTRAINT visits_check1 CHECK (hand_over_time IS NULL OR completed_version IS NOT NULL);
