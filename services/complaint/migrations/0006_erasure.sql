-- What is erased of a customer here: the words of customers and staff. A case becomes an anonymous one, whose kind, category and clocks
-- count on; who works at it can end it. What they write of it from then on is not kept.
ALTER TABLE cases ADD COLUMN erase_time timestamptz;
CREATE FUNCTION erasure_of_cases()
RETURNS TABLE (place integer, its_table text, how text, whose text, holds text, blanked text)
LANGUAGE sql IMMUTABLE SET search_path = complaint, pg_temp AS $$
    VALUES
        (1, 'steps', 'blank', 't.case_id IN (SELECT c.id FROM cases c WHERE c.customer_id = $1)', 't.note <> ''''', 'note = '''''),
        (2, 'cases', 'blank', 't.customer_id = $1', 'true', 'customer_id = NULL, description = '''', request_hash = NULL, erase_time = $2'),
        (3, 'erased_customers', 'keep', 't.customer_id = $1', NULL, NULL)
$$;
