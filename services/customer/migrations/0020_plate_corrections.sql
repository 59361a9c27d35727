-- A plate that was written down wrong, or that a new one has taken the place of. The plate on file before stays in vehicle_plates:
-- until now, or, when it never hung on the car, for no time at all.
CREATE TABLE plate_corrections (
    id           uuid PRIMARY KEY,
    vehicle_id   uuid NOT NULL REFERENCES vehicles (id),
    -- NULL where there was none.
    wrong_plate  text COLLATE "C" CHECK (char_length(wrong_plate) BETWEEN 7 AND 8),
    -- Since when that had been on file.
    wrong_start  timestamptz CHECK ((wrong_start IS NULL) = (wrong_plate IS NULL)),
    plate        text COLLATE "C" NOT NULL CHECK (char_length(plate) BETWEEN 7 AND 8),
    store_id     uuid NOT NULL,
    reason       smallint NOT NULL CHECK (reason IN (1, 2)),
    note         text NOT NULL CHECK (char_length(note) BETWEEN 1 AND 500),
    staff_id     uuid NOT NULL,
    correct_time timestamptz NOT NULL
);
CREATE INDEX plate_corrections_vehicle ON plate_corrections (vehicle_id, correct_time);
COMMENT ON TABLE plate_corrections IS 'append-only: who corrected which plate of a car, and why';
ALTER TABLE plate_corrections ENABLE ROW LEVEL SECURITY;
-- As the plates themselves.
CREATE POLICY plate_corrections_read ON plate_corrections FOR SELECT USING (
    public.foursight_reach(NULL)
    OR (SELECT true FROM vehicle_ownerships o WHERE o.vehicle_id = plate_corrections.vehicle_id LIMIT 1));
CREATE POLICY plate_corrections_add ON plate_corrections FOR INSERT WITH CHECK (
    public.foursight_reach(store_id)
    AND (public.foursight_reach(NULL)
        OR (SELECT true FROM vehicle_ownerships o WHERE o.vehicle_id = plate_corrections.vehicle_id LIMIT 1)));

-- Hangs another plate on a car from `since` on. The plate's present car may be another store's business, so it writes as the tables'
-- owner; and so it asks itself whether the car's owner is a customer of a store within reach. Gives the car's new version, or
-- nothing when the car is out of reach.
CREATE FUNCTION replate_vehicle(its_id uuid, its_plate text, since timestamptz, written timestamptz) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = customer, pg_temp AS $$
DECLARE
    its_version bigint;
BEGIN
    IF NOT public.foursight_reach(NULL) AND NOT EXISTS (
        SELECT FROM vehicle_ownerships o
        JOIN customer_stores s ON s.customer_id = o.customer_id AND public.foursight_reach(s.store_id)
        WHERE o.vehicle_id = its_id AND o.end_time IS NULL
    ) THEN
        RETURN NULL;
    END IF;
    UPDATE vehicles v SET version = v.version + 1, update_time = written WHERE v.id = its_id
    RETURNING v.version INTO its_version;
    UPDATE vehicle_plates SET end_time = greatest(start_time, since)
    WHERE end_time IS NULL AND (vehicle_id = its_id OR plate = its_plate);
    -- What was taken for wrong and is right after all is there already.
    INSERT INTO vehicle_plates AS p (vehicle_id, plate, start_time) VALUES (its_id, its_plate, since)
    ON CONFLICT (vehicle_id, plate, start_time) DO UPDATE SET end_time = NULL;
    RETURN its_version;
END
$$;
