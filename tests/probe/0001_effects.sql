-- One row for each time that an event had its effect. Nothing here makes a second one harmless, and nothing hides it.
CREATE TABLE effects (
    seq        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id   uuid   NOT NULL,
    event_type text   NOT NULL,
    version    bigint NOT NULL,
    -- What a test breaks, to have an event that cannot be handled.
    CONSTRAINT effects_bearable CHECK (version < 1000000)
);
CREATE INDEX effects_by_event ON effects (event_id);

-- Events that are to be tried again later, for as long as they stand here.
CREATE TABLE postponed (
    event_id uuid PRIMARY KEY
);
