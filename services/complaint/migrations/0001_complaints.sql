-- Complaints: cases, their clocks and steps, and what the service knows of stores and staff.
--
-- Free text (cases.description, steps.note) is the customers' and the staff's own words; it stands here and nowhere
-- else: not in an event, not in an audit row, not in a log.

-- What a case is about. A tree: a code's parent is the part before its last dot.
CREATE TABLE categories (
    code       text PRIMARY KEY CHECK (code ~ '^[a-z]+(\.[a-z_]+)*$'),
    parent     text REFERENCES categories (code),
    name_zh    text NOT NULL CHECK (char_length(name_zh) BETWEEN 1 AND 40),
    name_en    text NOT NULL CHECK (char_length(name_en) BETWEEN 1 AND 80),
    -- Whether a case may carry it; branches only group.
    selectable boolean NOT NULL
);
INSERT INTO categories (code, parent, name_zh, name_en, selectable) VALUES
    ('service',          NULL,      '服务',     'Service',           false),
    ('repair',           NULL,      '维修',     'Repair',            false),
    ('sales',            NULL,      '销售',     'Sales',             false),
    ('product',          NULL,      '产品',     'Product',           false),
    ('price',            NULL,      '价格',     'Price',             true),
    ('environment',      NULL,      '店面环境', 'Environment',       true),
    ('other',            NULL,      '其他',     'Other',             true),
    ('service.attitude', 'service', '服务态度', 'Service attitude',  true),
    ('service.waiting',  'service', '等待时间', 'Waiting time',      true),
    ('repair.quality',   'repair',  '维修质量', 'Repair quality',    true),
    ('repair.parts',     'repair',  '配件',     'Parts',             true),
    ('sales.promise',    'sales',   '销售承诺', 'Sales promise',     true),
    ('sales.delivery',   'sales',   '交车',     'Delivery',          true),
    ('product.quality',  'product', '产品质量', 'Product quality',   true);

-- How long each clock runs. A version is never changed: clocks keep the version that they were counted by.
CREATE TABLE clock_policies (
    version             integer PRIMARY KEY CHECK (version > 0),
    -- In force from then on, until a later one is.
    start_time          timestamptz NOT NULL UNIQUE,
    -- Minutes of the store's working time.
    first_reply_minutes integer NOT NULL CHECK (first_reply_minutes > 0),
    -- Minutes around the clock, from the case's opening or reopening.
    handling_minutes    integer NOT NULL CHECK (handling_minutes > 0),
    result_minutes      integer NOT NULL CHECK (result_minutes > 0),
    -- Minutes around the clock, from the telling of the result.
    revisit_minutes     integer NOT NULL CHECK (revisit_minutes > 0)
);
INSERT INTO clock_policies (version, start_time, first_reply_minutes, handling_minutes, result_minutes, revisit_minutes)
VALUES (1, '1970-01-01T00:00:00Z', 2 * 60, 48 * 60, 72 * 60, 3 * 24 * 60);

-- The stores as identity told them.
CREATE TABLE stores (
    store_id uuid PRIMARY KEY,
    code     text NOT NULL,
    -- The calendar as it came: a `foursight.identity.v1.Calendar`, encoded.
    calendar bytea NOT NULL,
    -- The store's version at identity; an older one never replaces a newer one.
    version  bigint NOT NULL
);

-- The staff as identity told them: who may be given a case. It has no store of its own and names nobody.
CREATE TABLE staff (
    staff_id     uuid PRIMARY KEY,
    stores       uuid[] NOT NULL,
    headquarters boolean NOT NULL,
    active       boolean NOT NULL,
    version      bigint NOT NULL
);

-- The last number given to a store's case in a month of the store's own time.
CREATE TABLE case_counters (
    store_id uuid NOT NULL,
    month    date NOT NULL CHECK (extract(day FROM month) = 1),
    last     integer NOT NULL CHECK (last > 0),
    PRIMARY KEY (store_id, month)
);

CREATE TABLE cases (
    id           uuid PRIMARY KEY,
    number       text NOT NULL CONSTRAINT cases_number UNIQUE CHECK (char_length(number) BETWEEN 1 AND 60),
    store_id     uuid NOT NULL,
    -- NULL when anonymous.
    customer_id  uuid,
    kind         smallint NOT NULL CHECK (kind BETWEEN 1 AND 6),
    channel      smallint NOT NULL CHECK (channel BETWEEN 1 AND 9),
    category     text NOT NULL REFERENCES categories (code),
    severity     smallint NOT NULL CHECK (severity BETWEEN 1 AND 3),
    -- Empty once it was erased with the customer's file.
    description  text NOT NULL CHECK (char_length(description) <= 4000),
    subject      text NOT NULL CHECK (char_length(subject) <= 100),
    -- The follow-up call that it was taken from; one call makes one case, however often it is told.
    call_task_id uuid CONSTRAINT cases_call_task UNIQUE,
    state        smallint NOT NULL CHECK (state BETWEEN 1 AND 6),
    owner_id     uuid,
    handler_id   uuid,
    loop         integer NOT NULL CHECK (loop > 0),
    cause        smallint NOT NULL DEFAULT 0 CHECK (cause BETWEEN 0 AND 3),
    measure      smallint NOT NULL DEFAULT 0 CHECK (measure BETWEEN 0 AND 6),
    -- The earliest deadline that still waits; year 9999 when none does, so that one index orders the list.
    next_due     timestamptz NOT NULL,
    create_time  timestamptz NOT NULL,
    update_time  timestamptz NOT NULL,
    close_time   timestamptz,
    -- Counts people's changes; it is the etag.
    revision     bigint NOT NULL CHECK (revision > 0),
    -- Counts the case's events, in which a breach is one too.
    version      bigint NOT NULL CHECK (version > 0),
    request_id   uuid CONSTRAINT cases_request UNIQUE,
    request_hash bytea CHECK (octet_length(request_hash) = 32),
    CHECK ((state = 5) = (close_time IS NOT NULL))
);
CREATE INDEX cases_of_store ON cases (store_id, next_due, id DESC);
CREATE INDEX cases_by_due ON cases (next_due, id DESC);
CREATE INDEX cases_of_customer ON cases (customer_id, next_due, id DESC) WHERE customer_id IS NOT NULL;

CREATE TABLE clocks (
    case_id        uuid NOT NULL REFERENCES cases (id) ON DELETE CASCADE,
    loop           integer NOT NULL CHECK (loop > 0),
    kind           smallint NOT NULL CHECK (kind BETWEEN 1 AND 4),
    store_id       uuid NOT NULL,
    state          smallint NOT NULL CHECK (state BETWEEN 1 AND 3),
    start_time     timestamptz NOT NULL,
    due_time       timestamptz NOT NULL,
    meet_time      timestamptz,
    explanation    text NOT NULL,
    policy_version integer NOT NULL REFERENCES clock_policies (version),
    PRIMARY KEY (case_id, loop, kind),
    CHECK (state <> 1 OR meet_time IS NULL),
    CHECK (state <> 2 OR meet_time <= due_time)
);
CREATE INDEX clocks_running ON clocks (due_time) WHERE state = 1;

-- What was written at each step. Only added to.
CREATE TABLE steps (
    case_id     uuid NOT NULL REFERENCES cases (id) ON DELETE CASCADE,
    -- The case's revision that the step made.
    revision    bigint NOT NULL CHECK (revision > 0),
    store_id    uuid NOT NULL,
    state       smallint NOT NULL CHECK (state BETWEEN 1 AND 6),
    staff_id    uuid,
    note        text NOT NULL CHECK (char_length(note) <= 4000),
    create_time timestamptz NOT NULL,
    loop        integer NOT NULL CHECK (loop > 0),
    PRIMARY KEY (case_id, revision)
);

ALTER TABLE stores ENABLE ROW LEVEL SECURITY;
CREATE POLICY stores_reach ON stores
    USING (public.foursight_reach(store_id)) WITH CHECK (public.foursight_reach(store_id));
ALTER TABLE case_counters ENABLE ROW LEVEL SECURITY;
CREATE POLICY case_counters_reach ON case_counters
    USING (public.foursight_reach(store_id)) WITH CHECK (public.foursight_reach(store_id));
ALTER TABLE cases ENABLE ROW LEVEL SECURITY;
CREATE POLICY cases_reach ON cases
    USING (public.foursight_reach(store_id)) WITH CHECK (public.foursight_reach(store_id));
ALTER TABLE clocks ENABLE ROW LEVEL SECURITY;
CREATE POLICY clocks_reach ON clocks
    USING (public.foursight_reach(store_id)) WITH CHECK (public.foursight_reach(store_id));
ALTER TABLE steps ENABLE ROW LEVEL SECURITY;
CREATE POLICY steps_reach ON steps
    USING (public.foursight_reach(store_id)) WITH CHECK (public.foursight_reach(store_id));
