-- What a car's file says besides who owns it: as it stands now, and where each fact came from, over time.
ALTER TABLE vehicles
    ADD COLUMN warranty_end       date,
    ADD COLUMN warranty_km        integer CHECK (warranty_km BETWEEN 1 AND 3000000),
    ADD COLUMN compulsory_insurer text NOT NULL DEFAULT '' CHECK (char_length(compulsory_insurer) <= 100),
    ADD COLUMN compulsory_end     date,
    ADD COLUMN commercial_insurer text NOT NULL DEFAULT '' CHECK (char_length(commercial_insurer) <= 100),
    ADD COLUMN commercial_end     date,
    ADD COLUMN inspection_date    date,
    ADD COLUMN registration_date  date;

-- Who sees the file of the car's owner changes the car's facts. The policy of ownerships leaves those of the caller's customers.
CREATE POLICY vehicles_change ON vehicles FOR UPDATE USING (
    public.foursight_reach(NULL)
    OR (SELECT true FROM vehicle_ownerships o WHERE o.vehicle_id = vehicles.id AND o.end_time IS NULL LIMIT 1));

CREATE TABLE vehicle_facts (
    id         uuid PRIMARY KEY,
    vehicle_id uuid NOT NULL REFERENCES vehicles (id),
    -- Which field: `Field` in vehicles/facts.
    field      smallint NOT NULL CHECK (field BETWEEN 1 AND 8),
    -- A vehicle with this fact alone, in protobuf's form; NULL when the field was emptied.
    value      bytea,
    -- NULL for what the car was handed over with.
    source     smallint CHECK (source BETWEEN 1 AND 11),
    store_id   uuid CHECK ((store_id IS NULL) = (source IS NULL)),
    staff_id   uuid,
    learn_time timestamptz NOT NULL
);
CREATE INDEX vehicle_facts_vehicle ON vehicle_facts (vehicle_id, id DESC);
COMMENT ON TABLE vehicle_facts IS 'append-only: what each fact of a car was over time, and where it came from';
ALTER TABLE vehicle_facts ENABLE ROW LEVEL SECURITY;
CREATE POLICY vehicle_facts_read ON vehicle_facts FOR SELECT USING (
    public.foursight_reach(NULL)
    OR (SELECT true FROM vehicle_ownerships o WHERE o.vehicle_id = vehicle_facts.vehicle_id LIMIT 1));
-- What the hand-over told, perhaps at another store, is written down by who changes it, and is nobody's word of now.
CREATE POLICY vehicle_facts_add ON vehicle_facts FOR INSERT WITH CHECK (
    (store_id IS NULL OR public.foursight_reach(store_id))
    AND (public.foursight_reach(NULL)
        OR (SELECT true FROM vehicle_ownerships o WHERE o.vehicle_id = vehicle_facts.vehicle_id LIMIT 1)));
