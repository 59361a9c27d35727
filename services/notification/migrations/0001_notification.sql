-- Follow-up calls, messages, and the little that they need to know about stores and staff.
-- Enumerations are the numbers of the protos. No name, number or address of a customer is kept here.

-- What identity told about the stores: the zone decides when it is night, the name signs a message.
CREATE TABLE stores (
    store_id     uuid PRIMARY KEY,
    display_name text NOT NULL CHECK (char_length(display_name) <= 200),
    time_zone    text NOT NULL CHECK (char_length(time_zone) <= 64),
    version      bigint NOT NULL
);
ALTER TABLE stores ENABLE ROW LEVEL SECURITY;
CREATE POLICY stores_reach ON stores USING (foursight_reach(store_id)) WITH CHECK (foursight_reach(store_id));

-- What identity told about the staff: who may be given a call. Ids only.
CREATE TABLE staff (
    id      uuid PRIMARY KEY,
    roles   smallint[] NOT NULL,
    stores  uuid[] NOT NULL,
    active  boolean NOT NULL,
    version bigint NOT NULL
);
CREATE INDEX staff_by_store ON staff USING gin (stores) WHERE active;

CREATE TABLE call_tasks (
    id            uuid PRIMARY KEY,
    store_id      uuid NOT NULL,
    customer_id   uuid NOT NULL,
    kind          smallint NOT NULL CHECK (kind IN (1, 2)),
    state         smallint NOT NULL CHECK (state IN (1, 2, 3)),
    -- the delivery or the visit, by kind
    subject_id    uuid NOT NULL,
    assignee_id   uuid,
    advisor_id    uuid,
    attempts      smallint NOT NULL DEFAULT 0 CHECK (attempts BETWEEN 0 AND 3),
    due_time      timestamptz NOT NULL,
    complete_time timestamptz,
    create_time   timestamptz NOT NULL,
    version       bigint NOT NULL CHECK (version > 0),
    -- one call for each delivery and each visit, however often the event comes
    CONSTRAINT call_tasks_once UNIQUE (kind, subject_id),
    CONSTRAINT call_tasks_completed CHECK ((state = 1) = (complete_time IS NULL))
);
CREATE INDEX call_tasks_by_due ON call_tasks (state, due_time, id);
CREATE INDEX call_tasks_by_store ON call_tasks (store_id, state, due_time, id);
CREATE INDEX call_tasks_by_assignee ON call_tasks (assignee_id, due_time, id) WHERE state = 1;
CREATE INDEX call_tasks_by_customer ON call_tasks (customer_id);
ALTER TABLE call_tasks ENABLE ROW LEVEL SECURITY;
CREATE POLICY call_tasks_reach ON call_tasks USING (foursight_reach(store_id)) WITH CHECK (foursight_reach(store_id));

CREATE TABLE call_attempts (
    call_task_id  uuid NOT NULL REFERENCES call_tasks ON DELETE CASCADE,
    number        smallint NOT NULL CHECK (number BETWEEN 1 AND 3),
    store_id      uuid NOT NULL,
    result        smallint NOT NULL CHECK (result BETWEEN 1 AND 5),
    satisfaction  smallint CHECK (satisfaction IN (1, 2)),
    advisor_score smallint CHECK (advisor_score BETWEEN 1 AND 10),
    -- the customer's words; NULL once the file is erased
    note          text CHECK (char_length(note) <= 2000),
    category      text CHECK (char_length(category) <= 50),
    call_record   text NOT NULL CHECK (char_length(call_record) BETWEEN 1 AND 100),
    caller_id     uuid NOT NULL,
    create_time   timestamptz NOT NULL,
    request_id    uuid CONSTRAINT call_attempts_request UNIQUE,
    request_hash  bytea,
    PRIMARY KEY (call_task_id, number),
    CONSTRAINT call_attempts_reached CHECK (
        (result = 1) = (satisfaction IS NOT NULL) AND (result = 1) = (advisor_score IS NOT NULL)
    ),
    CONSTRAINT call_attempts_dissatisfied CHECK ((satisfaction IS NOT DISTINCT FROM 2) = (category IS NOT NULL))
);
ALTER TABLE call_attempts ENABLE ROW LEVEL SECURITY;
CREATE POLICY call_attempts_reach ON call_attempts USING (foursight_reach(store_id)) WITH CHECK (foursight_reach(store_id));

CREATE TABLE messages (
    id          uuid PRIMARY KEY,
    store_id    uuid NOT NULL,
    customer_id uuid NOT NULL,
    kind        smallint NOT NULL CHECK (kind BETWEEN 1 AND 3),
    channel     smallint NOT NULL CHECK (channel = 1),
    purpose     smallint NOT NULL CHECK (purpose BETWEEN 1 AND 5),
    state       smallint NOT NULL CHECK (state BETWEEN 1 AND 6),
    reason      text NOT NULL CHECK (char_length(reason) <= 50),
    -- the vehicle or the case, by kind
    subject_id  uuid NOT NULL,
    -- tells apart what may rightly happen again for one subject: the delivery, the loop of the case
    occurrence  text NOT NULL CHECK (char_length(occurrence) <= 50),
    -- what the words need besides the customer's and the store's name: the case's number. Never personal data.
    variables   jsonb NOT NULL,
    -- when what it is about happened
    event_time  timestamptz NOT NULL,
    plan_time   timestamptz NOT NULL,
    -- after that it helps nobody any more
    expire_time timestamptz NOT NULL,
    -- when the dispatcher looks at it next; while it is being sent, the end of the lease; NULL when it is over
    next_time   timestamptz,
    -- the dispatcher's claim: who lost it writes nothing
    attempt_id  uuid,
    tries       smallint NOT NULL DEFAULT 0 CHECK (tries >= 0),
    -- the template, language and version that were sent
    template    text CHECK (char_length(template) <= 100),
    send_time   timestamptz,
    create_time timestamptz NOT NULL,
    version     bigint NOT NULL CHECK (version > 0),
    CONSTRAINT messages_once UNIQUE (kind, subject_id, occurrence),
    CONSTRAINT messages_over CHECK ((state IN (4, 5, 6)) = (next_time IS NULL)),
    CONSTRAINT messages_sent CHECK ((state = 4) = (send_time IS NOT NULL))
);
CREATE INDEX messages_due ON messages (next_time) WHERE next_time IS NOT NULL;
CREATE INDEX messages_by_plan ON messages (plan_time, id);
CREATE INDEX messages_by_store ON messages (store_id, plan_time, id);
CREATE INDEX messages_by_customer ON messages (customer_id, plan_time, id);
ALTER TABLE messages ENABLE ROW LEVEL SECURITY;
CREATE POLICY messages_reach ON messages USING (foursight_reach(store_id)) WITH CHECK (foursight_reach(store_id));

-- Why each message stands where it stands, for good.
CREATE TABLE message_decisions (
    message_id  uuid NOT NULL REFERENCES messages ON DELETE CASCADE,
    version     bigint NOT NULL,
    store_id    uuid NOT NULL,
    state       smallint NOT NULL CHECK (state BETWEEN 1 AND 6),
    reason      text NOT NULL CHECK (char_length(reason) <= 50),
    decide_time timestamptz NOT NULL,
    PRIMARY KEY (message_id, version)
);
ALTER TABLE message_decisions ENABLE ROW LEVEL SECURITY;
CREATE POLICY message_decisions_reach ON message_decisions
    USING (foursight_reach(store_id)) WITH CHECK (foursight_reach(store_id));

-- When each car was last in any workshop: a reminder that comes after the car is none. The row is also the lock
-- that a hand-over and a check-in of the same car meet at, in whichever order their events come.
CREATE TABLE vehicle_arrivals (
    vehicle_id   uuid PRIMARY KEY,
    last_arrival timestamptz
);
