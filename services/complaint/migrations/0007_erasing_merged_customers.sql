-- What an erasure does to what is known of merges: ids, which stay so that nothing comes back by the one that was absorbed.
CREATE FUNCTION erasure_of_merges()
RETURNS TABLE (place integer, its_table text, how text, whose text, holds text, blanked text)
LANGUAGE sql IMMUTABLE SET search_path = complaint, pg_temp AS $$
    VALUES
        (3, 'customer_merges', 'keep', 't.survivor_id = $1 OR t.absorbed_id = $1', NULL::text, NULL::text),
        (0, 'cases', 'blank', 't.customer_id = $1', 't.first_customer_id IS NOT NULL', 'first_customer_id = NULL')
$$;
