-- One row for each time that an event had its effect; nothing here makes a second one harmless.
CREATE TABLE effects (
    event_id uuid NOT NULL
);
