-- A car is handed over to one customer at a time: two deliveries of one VIN that are told at once, or for the same hour, cannot
-- both be true. The vehicle's row is locked by its upsert, so that the second one sees what the first one wrote.
CREATE OR REPLACE FUNCTION hand_over_vehicle(
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

    IF EXISTS (
        SELECT FROM vehicle_ownerships o
        WHERE o.vehicle_id = vehicle AND o.end_time IS NULL AND o.start_time > delivered - interval '1 hour'
    ) THEN
        RAISE unique_violation USING
            MESSAGE = 'the vehicle was handed over within the hour before', CONSTRAINT = 'vehicle_handed_over';
    END IF;
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
