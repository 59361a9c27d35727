-- The vehicle file. Owner and plate are dated: a sold or re-plated car keeps its history.
CREATE TABLE vehicles (
    id           uuid PRIMARY KEY,
    vin          text COLLATE "C" NOT NULL CHECK (char_length(vin) = 17),
    vin_tail     text COLLATE "C" NOT NULL GENERATED ALWAYS AS (right(vin, 6)) STORED,
    model        text NOT NULL CHECK (char_length(model) BETWEEN 1 AND 100),
    trim         text NOT NULL CHECK (char_length(trim) <= 100),
    colour       text NOT NULL CHECK (char_length(colour) <= 100),
    -- When it was handed over the last time.
    deliver_time timestamptz,
    version      bigint NOT NULL CHECK (version > 0),
    create_time  timestamptz NOT NULL,
    update_time  timestamptz NOT NULL
);
CREATE UNIQUE INDEX vehicles_vin ON vehicles (vin);
CREATE INDEX vehicles_vin_tail ON vehicles (vin_tail);

CREATE TABLE vehicle_ownerships (
    vehicle_id  uuid NOT NULL REFERENCES vehicles (id),
    customer_id uuid NOT NULL REFERENCES customers (id),
    start_time  timestamptz NOT NULL,
    end_time    timestamptz CHECK (end_time >= start_time),
    PRIMARY KEY (vehicle_id, customer_id, start_time)
);
CREATE UNIQUE INDEX vehicle_ownerships_holder ON vehicle_ownerships (vehicle_id) WHERE end_time IS NULL;
CREATE INDEX vehicle_ownerships_customer ON vehicle_ownerships (customer_id, vehicle_id);

CREATE TABLE vehicle_plates (
    vehicle_id uuid NOT NULL REFERENCES vehicles (id),
    plate      text COLLATE "C" NOT NULL CHECK (char_length(plate) BETWEEN 7 AND 8),
    start_time timestamptz NOT NULL,
    end_time   timestamptz CHECK (end_time >= start_time),
    PRIMARY KEY (vehicle_id, plate, start_time)
);
CREATE UNIQUE INDEX vehicle_plates_holder ON vehicle_plates (plate) WHERE end_time IS NULL;
CREATE UNIQUE INDEX vehicle_plates_current ON vehicle_plates (vehicle_id) WHERE end_time IS NULL;

CREATE TABLE odometer_readings (
    vehicle_id  uuid NOT NULL REFERENCES vehicles (id),
    -- The delivery or visit at which it was read.
    subject_id  uuid NOT NULL,
    odometer_km integer NOT NULL CHECK (odometer_km BETWEEN 0 AND 3000000),
    store_id    uuid NOT NULL,
    read_time   timestamptz NOT NULL,
    PRIMARY KEY (vehicle_id, subject_id)
);

-- A car is visible through its owners, past ones included. Cars, owners and plates are written by the function below
-- only; a reading may be added to a car that is visible.
ALTER TABLE vehicle_ownerships ENABLE ROW LEVEL SECURITY;
CREATE POLICY vehicle_ownerships_read ON vehicle_ownerships FOR SELECT
    USING (public.foursight_reach(NULL) OR EXISTS (SELECT FROM customer_stores s WHERE s.customer_id = vehicle_ownerships.customer_id));
ALTER TABLE vehicles ENABLE ROW LEVEL SECURITY;
CREATE POLICY vehicles_read ON vehicles FOR SELECT
    USING (public.foursight_reach(NULL) OR EXISTS (SELECT FROM vehicle_ownerships o WHERE o.vehicle_id = vehicles.id));
ALTER TABLE vehicle_plates ENABLE ROW LEVEL SECURITY;
CREATE POLICY vehicle_plates_read ON vehicle_plates FOR SELECT
    USING (public.foursight_reach(NULL) OR EXISTS (SELECT FROM vehicle_ownerships o WHERE o.vehicle_id = vehicle_plates.vehicle_id));
ALTER TABLE odometer_readings ENABLE ROW LEVEL SECURITY;
CREATE POLICY odometer_readings_read ON odometer_readings FOR SELECT
    USING (public.foursight_reach(NULL) OR EXISTS (SELECT FROM vehicle_ownerships o WHERE o.vehicle_id = odometer_readings.vehicle_id));
CREATE POLICY odometer_readings_add ON odometer_readings FOR INSERT
    WITH CHECK (public.foursight_reach(store_id)
        AND (public.foursight_reach(NULL)
            OR EXISTS (SELECT FROM vehicle_ownerships o WHERE o.vehicle_id = odometer_readings.vehicle_id)));
-- Who reaches the whole group may load what was known elsewhere.
CREATE POLICY vehicles_load ON vehicles FOR INSERT WITH CHECK (public.foursight_reach(NULL));
CREATE POLICY vehicle_ownerships_load ON vehicle_ownerships FOR INSERT WITH CHECK (public.foursight_reach(NULL));
CREATE POLICY vehicle_plates_load ON vehicle_plates FOR INSERT WITH CHECK (public.foursight_reach(NULL));

-- The car that stands in front of a member of staff, by VIN or by its file's id, whichever store knows it: a car comes
-- to any store of the group. Locks the car's row, so that two hand-overs or check-ins of it go one after the other.
-- Reads as the tables' owner, whom row-level security does not bind.
CREATE FUNCTION vehicle_at_hand(its_id uuid, its_vin text)
RETURNS TABLE (vehicle_id uuid, owner_id uuid, owned_since timestamptz, odometer_km integer)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = customer, pg_temp AS $$
DECLARE
    found_id uuid;
BEGIN
    -- A VIN that is not on file has no row to lock.
    IF its_vin IS NOT NULL THEN
        PERFORM pg_advisory_xact_lock(hashtextextended('vehicle ' || its_vin, 0));
    END IF;
    SELECT v.id INTO found_id FROM vehicles v WHERE v.id = its_id OR v.vin = its_vin FOR NO KEY UPDATE;
    RETURN QUERY
        SELECT found_id, o.customer_id, o.start_time, r.odometer_km
        FROM (SELECT 1) one
        LEFT JOIN vehicle_ownerships o ON o.vehicle_id = found_id AND o.end_time IS NULL
        LEFT JOIN LATERAL (
            SELECT x.odometer_km FROM odometer_readings x WHERE x.vehicle_id = found_id
            ORDER BY x.read_time DESC, x.odometer_km DESC LIMIT 1
        ) r ON true
        WHERE found_id IS NOT NULL;
END
$$;

-- Writes a hand-over into the vehicle's file: the file itself when the VIN is new, the owner, the plate, the reading.
-- The previous owner and a plate's previous car may be other stores' business, so it writes as the tables' owner; the
-- rules (may the caller act for the store, does the odometer run forwards) are the program's.
CREATE FUNCTION hand_over_vehicle(
    new_id uuid, its_vin text, its_model text, its_trim text, its_colour text, its_plate text,
    new_owner uuid, reading_km integer, delivery uuid, store uuid, delivered timestamptz, written timestamptz
) RETURNS uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = customer, pg_temp AS $$
DECLARE
    vehicle uuid;
BEGIN
    INSERT INTO vehicles AS v (id, vin, model, trim, colour, deliver_time, version, create_time, update_time)
    VALUES (new_id, its_vin, its_model, its_trim, its_colour, delivered, 1, written, written)
    ON CONFLICT (vin) DO UPDATE SET
        model = excluded.model,
        trim = CASE WHEN excluded.trim = '' THEN v.trim ELSE excluded.trim END,
        colour = CASE WHEN excluded.colour = '' THEN v.colour ELSE excluded.colour END,
        deliver_time = excluded.deliver_time,
        version = v.version + 1,
        update_time = excluded.update_time
    RETURNING v.id INTO vehicle;

    UPDATE vehicle_ownerships SET end_time = delivered WHERE vehicle_id = vehicle AND end_time IS NULL;
    INSERT INTO vehicle_ownerships (vehicle_id, customer_id, start_time) VALUES (vehicle, new_owner, delivered);

    -- A plate stays with the person, not with the car; and it hangs on one car at a time.
    UPDATE vehicle_plates SET end_time = greatest(start_time, delivered)
    WHERE end_time IS NULL AND vehicle_id = vehicle AND plate IS DISTINCT FROM its_plate;
    IF its_plate IS NOT NULL THEN
        UPDATE vehicle_plates SET end_time = greatest(start_time, delivered)
        WHERE end_time IS NULL AND plate = its_plate AND vehicle_id <> vehicle;
        INSERT INTO vehicle_plates (vehicle_id, plate, start_time)
        SELECT vehicle, its_plate, delivered
        WHERE NOT EXISTS (SELECT FROM vehicle_plates WHERE vehicle_id = vehicle AND end_time IS NULL);
    END IF;

    INSERT INTO odometer_readings (vehicle_id, subject_id, odometer_km, store_id, read_time)
    VALUES (vehicle, delivery, reading_km, store, delivered);
    RETURN vehicle;
END
$$;
