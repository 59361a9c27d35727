-- A recycled number: from `since` on a person's phone is on the file of its new owner, and not on whose it was. That one may be another
-- store's business, so it writes as the tables' owner; and so it asks itself whether the new owner's file is within reach. Gives
-- whose it was and what ended, or nothing.
CREATE FUNCTION take_over_phone(its_customer uuid, its_hash bytea, since timestamptz, written timestamptz)
RETURNS TABLE (holder_id uuid, point_id uuid, holder_version bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = customer, pg_temp AS $$
BEGIN
    IF NOT public.foursight_reach(NULL) AND NOT EXISTS (
        SELECT FROM customer_stores s WHERE s.customer_id = its_customer AND public.foursight_reach(s.store_id)
    ) THEN
        RETURN;
    END IF;
    UPDATE contact_points p SET end_time = greatest(p.start_time, since)
    WHERE p.hash = its_hash AND p.exclusive AND p.end_time IS NULL AND p.customer_id <> its_customer
    RETURNING p.customer_id, p.id INTO holder_id, point_id;
    IF holder_id IS NULL THEN
        RETURN;
    END IF;
    UPDATE customers c SET version = c.version + 1, update_time = written WHERE c.id = holder_id
    RETURNING c.version INTO holder_version;
    RETURN NEXT;
END
$$;
