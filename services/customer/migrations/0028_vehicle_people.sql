-- The people around a car besides its owner: drivers, payers, contacts, family. A part belongs to the ownership in which it was told.
CREATE TABLE vehicle_people (
    id           uuid PRIMARY KEY,
    vehicle_id   uuid NOT NULL REFERENCES vehicles (id),
    -- Who owned the car then.
    owner_id     uuid NOT NULL REFERENCES customers (id),
    role         smallint NOT NULL CHECK (role BETWEEN 1 AND 4),
    -- Who it is, with a file,
    customer_id  uuid REFERENCES customers (id) CHECK (customer_id <> owner_id),
    -- or without one: name and phone, sealed under the owner's key.
    sealed       bytea CHECK ((sealed IS NULL) <> (customer_id IS NULL)),
    start_time   timestamptz NOT NULL,
    store_id     uuid NOT NULL,
    staff_id     uuid,
    end_time     timestamptz CHECK (end_time >= start_time),
    end_store_id uuid,
    end_staff_id uuid,
    request_id   uuid,
    request_hash bytea CHECK (octet_length(request_hash) = 32)
);
CREATE UNIQUE INDEX vehicle_people_request ON vehicle_people (request_id) WHERE request_id IS NOT NULL;
CREATE UNIQUE INDEX vehicle_people_once ON vehicle_people (vehicle_id, role, customer_id)
    WHERE end_time IS NULL AND customer_id IS NOT NULL;
CREATE INDEX vehicle_people_vehicle ON vehicle_people (vehicle_id, id DESC);
CREATE INDEX vehicle_people_customer ON vehicle_people (customer_id, id DESC) WHERE customer_id IS NOT NULL;
CREATE INDEX vehicle_people_owner ON vehicle_people (owner_id);
-- Seen from both sides: by who sees the owner's file, and by who sees the person's own. Written by who sees the owner's.
ALTER TABLE vehicle_people ENABLE ROW LEVEL SECURITY;
CREATE POLICY vehicle_people_read ON vehicle_people FOR SELECT USING (
    public.foursight_reach(NULL)
    OR (SELECT true FROM customer_stores s WHERE s.customer_id = vehicle_people.owner_id LIMIT 1)
    OR (SELECT true FROM customer_stores s WHERE s.customer_id = vehicle_people.customer_id LIMIT 1));
CREATE POLICY vehicle_people_add ON vehicle_people FOR INSERT WITH CHECK (
    public.foursight_reach(store_id)
    AND (public.foursight_reach(NULL)
        OR (SELECT true FROM customer_stores s WHERE s.customer_id = vehicle_people.owner_id LIMIT 1)));
CREATE POLICY vehicle_people_end ON vehicle_people FOR UPDATE USING (
    public.foursight_reach(NULL)
    OR (SELECT true FROM customer_stores s WHERE s.customer_id = vehicle_people.owner_id LIMIT 1));

-- With the ownership end its people, whoever writes the hand-over. It writes as the tables' owner: the former owner may be
-- another store's customer.
CREATE FUNCTION vehicle_people_of_former() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = customer, pg_temp AS $$
BEGIN
    UPDATE vehicle_people p SET end_time = greatest(p.start_time, NEW.end_time)
    WHERE p.vehicle_id = NEW.vehicle_id AND p.owner_id = NEW.customer_id AND p.end_time IS NULL;
    RETURN NULL;
END
$$;
CREATE TRIGGER vehicle_ownerships_ended AFTER UPDATE OF end_time ON vehicle_ownerships
    FOR EACH ROW WHEN (OLD.end_time IS NULL AND NEW.end_time IS NOT NULL)
    EXECUTE FUNCTION vehicle_people_of_former();
