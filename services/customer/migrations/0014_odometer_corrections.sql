-- A reading that was written down wrong, or that a new instrument cluster has put an end to. Both stay: the reading that counts no
-- more, and the one that counts instead of it, which is a row of odometer_readings with the correction's id as its subject.
CREATE TABLE odometer_corrections (
    id           uuid PRIMARY KEY,
    vehicle_id   uuid NOT NULL,
    -- The subject of the reading that counts no more.
    corrected_id uuid NOT NULL,
    store_id     uuid NOT NULL,
    reason       smallint NOT NULL CHECK (reason IN (1, 2)),
    note         text NOT NULL CHECK (char_length(note) BETWEEN 1 AND 500),
    staff_id     uuid NOT NULL,
    correct_time timestamptz NOT NULL,
    CONSTRAINT odometer_corrections_once UNIQUE (vehicle_id, corrected_id),
    FOREIGN KEY (vehicle_id, corrected_id) REFERENCES odometer_readings (vehicle_id, subject_id),
    FOREIGN KEY (vehicle_id, id) REFERENCES odometer_readings (vehicle_id, subject_id)
);
COMMENT ON TABLE odometer_corrections IS 'append-only: who corrected which reading of an odometer, and why';
ALTER TABLE odometer_corrections ENABLE ROW LEVEL SECURITY;
-- As the readings themselves.
CREATE POLICY odometer_corrections_read ON odometer_corrections FOR SELECT USING (
    public.foursight_reach(NULL)
    OR (SELECT true FROM vehicle_ownerships o WHERE o.vehicle_id = odometer_corrections.vehicle_id LIMIT 1));
CREATE POLICY odometer_corrections_add ON odometer_corrections FOR INSERT WITH CHECK (
    public.foursight_reach(store_id)
    AND (public.foursight_reach(NULL)
        OR (SELECT true FROM vehicle_ownerships o WHERE o.vehicle_id = odometer_corrections.vehicle_id LIMIT 1)));

-- As before, but that only readings count that nobody has corrected; and it says when the newest one was read.
DROP FUNCTION vehicle_at_hand(uuid, text);
CREATE FUNCTION vehicle_at_hand(its_id uuid, its_vin text)
RETURNS TABLE (
    vehicle_id uuid, owner_id uuid, owned_since timestamptz, odometer_km integer, odometer_time timestamptz
)
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
        SELECT found_id, o.customer_id, o.start_time, r.odometer_km, r.read_time
        FROM (SELECT 1) one
        LEFT JOIN vehicle_ownerships o ON o.vehicle_id = found_id AND o.end_time IS NULL
        LEFT JOIN LATERAL (
            SELECT x.odometer_km, x.read_time FROM odometer_readings x
            WHERE x.vehicle_id = found_id
              AND NOT EXISTS (
                  SELECT FROM odometer_corrections c
                  WHERE c.vehicle_id = x.vehicle_id AND c.corrected_id = x.subject_id)
            ORDER BY x.read_time DESC, x.odometer_km DESC LIMIT 1
        ) r ON true
        WHERE found_id IS NOT NULL;
END
$$;
DROP FUNCTION vehicle_presented(text, text, bytea);
CREATE FUNCTION vehicle_presented(its_vin text, its_plate text, its_phone_hash bytea)
RETURNS TABLE (
    vehicle_id uuid, owner_id uuid, owned_since timestamptz, odometer_km integer, odometer_time timestamptz
)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = customer, pg_temp AS $$
    SELECT h.vehicle_id, h.owner_id, h.owned_since, h.odometer_km, h.odometer_time
    FROM vehicle_at_hand(NULL, its_vin) h
    WHERE EXISTS (
            SELECT FROM vehicle_plates p
            WHERE p.vehicle_id = h.vehicle_id AND p.plate = its_plate AND p.end_time IS NULL)
       OR EXISTS (
            SELECT FROM contact_points c
            WHERE c.customer_id = h.owner_id AND c.hash = its_phone_hash AND c.kind = 1 AND c.end_time IS NULL)
$$;
