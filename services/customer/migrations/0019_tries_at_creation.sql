-- Opening a file tells whether a phone or an id number is on file anywhere in the group, as a reception does. Who was refused too
-- often opens none for a while, whatever phone is told: else what is refused and what is not would go on telling.
CREATE FUNCTION admit_opening(its_subject text, since timestamptz, most bigint) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = customer, pg_temp AS $$
BEGIN
    IF (SELECT count(*) FROM visitor_tries t WHERE t.subject = its_subject AND t.try_time > since) >= most THEN
        RAISE unique_violation USING
            MESSAGE = 'the caller was refused too often', CONSTRAINT = 'visitor_tries_most';
    END IF;
END
$$;
