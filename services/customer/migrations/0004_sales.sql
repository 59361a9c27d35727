-- The reception register 来店/回厂登记.
CREATE TABLE receptions (
    id             uuid PRIMARY KEY,
    store_id       uuid NOT NULL,
    kind           smallint NOT NULL CHECK (kind IN (1, 2)),
    customer_id    uuid REFERENCES customers (id),
    intended_model text NOT NULL CHECK (char_length(intended_model) <= 100),
    contact_left   boolean NOT NULL,
    recorder       uuid,
    create_time    timestamptz NOT NULL,
    request_id     uuid,
    request_hash   bytea CHECK (octet_length(request_hash) = 32)
);
CREATE UNIQUE INDEX receptions_request ON receptions (request_id) WHERE request_id IS NOT NULL;
CREATE INDEX receptions_register ON receptions (store_id, id DESC);
CREATE INDEX receptions_customer ON receptions (customer_id) WHERE customer_id IS NOT NULL;
ALTER TABLE receptions ENABLE ROW LEVEL SECURITY;
CREATE POLICY receptions_reach ON receptions
    USING (public.foursight_reach(store_id)) WITH CHECK (public.foursight_reach(store_id));

-- Leads 线索.
CREATE TABLE leads (
    id                  uuid PRIMARY KEY,
    customer_id         uuid NOT NULL REFERENCES customers (id),
    store_id            uuid NOT NULL,
    source              smallint NOT NULL CHECK (source BETWEEN 1 AND 11),
    intended_model      text NOT NULL CHECK (char_length(intended_model) <= 100),
    -- 0 until somebody grades it.
    grade               smallint NOT NULL CHECK (grade BETWEEN 0 AND 4),
    state               smallint NOT NULL CHECK (state BETWEEN 1 AND 3),
    owner_id            uuid NOT NULL,
    -- Due by the grade; absent before the first grade and once the lead is won or lost.
    next_follow_up_time timestamptz CHECK (next_follow_up_time IS NULL OR state = 1),
    version             bigint NOT NULL CHECK (version > 0),
    create_time         timestamptz NOT NULL,
    update_time         timestamptz NOT NULL,
    request_id          uuid,
    request_hash        bytea CHECK (octet_length(request_hash) = 32)
);
CREATE UNIQUE INDEX leads_request ON leads (request_id) WHERE request_id IS NOT NULL;
CREATE INDEX leads_due ON leads (store_id, state, (coalesce(next_follow_up_time, 'infinity')), id);
CREATE INDEX leads_customer ON leads (customer_id, state);
ALTER TABLE leads ENABLE ROW LEVEL SECURITY;
CREATE POLICY leads_reach ON leads
    USING (public.foursight_reach(store_id)) WITH CHECK (public.foursight_reach(store_id));

-- Deliveries: what was handed over, as it was told then. The car as it is now stands in its file.
CREATE TABLE deliveries (
    id           uuid PRIMARY KEY,
    customer_id  uuid NOT NULL REFERENCES customers (id),
    store_id     uuid NOT NULL,
    -- A lead is won once.
    lead_id      uuid REFERENCES leads (id),
    vehicle_id   uuid NOT NULL REFERENCES vehicles (id),
    vin          text NOT NULL CHECK (char_length(vin) = 17),
    plate        text,
    model        text NOT NULL CHECK (char_length(model) BETWEEN 1 AND 100),
    trim         text NOT NULL CHECK (char_length(trim) <= 100),
    colour       text NOT NULL CHECK (char_length(colour) <= 100),
    odometer_km  integer NOT NULL CHECK (odometer_km BETWEEN 0 AND 3000000),
    advisor_id   uuid NOT NULL,
    deliver_time timestamptz NOT NULL,
    create_time  timestamptz NOT NULL,
    request_id   uuid,
    request_hash bytea CHECK (octet_length(request_hash) = 32)
);
CREATE UNIQUE INDEX deliveries_request ON deliveries (request_id) WHERE request_id IS NOT NULL;
CREATE UNIQUE INDEX deliveries_lead ON deliveries (lead_id) WHERE lead_id IS NOT NULL;
CREATE INDEX deliveries_customer ON deliveries (customer_id);
CREATE INDEX deliveries_vehicle ON deliveries (vehicle_id);
ALTER TABLE deliveries ENABLE ROW LEVEL SECURITY;
CREATE POLICY deliveries_reach ON deliveries
    USING (public.foursight_reach(store_id)) WITH CHECK (public.foursight_reach(store_id));
