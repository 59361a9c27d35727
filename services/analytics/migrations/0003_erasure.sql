-- Nothing here says which customer a fact is about: there is nothing to erase but the memory that there was somebody.
CREATE FUNCTION erasure_of_facts()
RETURNS TABLE (place integer, its_table text, how text, whose text, holds text, blanked text)
LANGUAGE sql IMMUTABLE SET search_path = analytics, pg_temp AS $$
    SELECT 1, 'erased_customers', 'keep', 't.customer_id = $1', NULL::text, NULL::text
$$;
