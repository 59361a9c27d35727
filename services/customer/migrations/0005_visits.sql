-- Service visits 进厂.
CREATE TABLE visits (
    id             uuid PRIMARY KEY,
    store_id       uuid NOT NULL,
    vehicle_id     uuid NOT NULL REFERENCES vehicles (id),
    -- Who brought it.
    customer_id    uuid NOT NULL REFERENCES customers (id),
    kind           smallint NOT NULL CHECK (kind BETWEEN 1 AND 5),
    state          smallint NOT NULL CHECK (state IN (1, 2)),
    odometer_km    integer NOT NULL CHECK (odometer_km BETWEEN 0 AND 3000000),
    advisor_id     uuid NOT NULL,
    promise_time   timestamptz,
    check_in_time  timestamptz NOT NULL,
    hand_over_time timestamptz,
    -- What the customer paid, in fen (CNY 0.01).
    amount_fen     bigint CHECK (amount_fen >= 0),
    version        bigint NOT NULL CHECK (version > 0),
    request_id     uuid,
    request_hash   bytea CHECK (octet_length(request_hash) = 32),
    CHECK ((state = 2) = (hand_over_time IS NOT NULL))
);
CREATE UNIQUE INDEX visits_request ON visits (request_id) WHERE request_id IS NOT NULL;
CREATE INDEX visits_vehicle ON visits (vehicle_id, check_in_time DESC);
CREATE INDEX visits_customer ON visits (customer_id, check_in_time DESC);
CREATE INDEX visits_store ON visits (store_id, state, check_in_time DESC);
ALTER TABLE visits ENABLE ROW LEVEL SECURITY;
CREATE POLICY visits_reach ON visits
    USING (public.foursight_reach(store_id)) WITH CHECK (public.foursight_reach(store_id));
