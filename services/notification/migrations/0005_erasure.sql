-- What is erased of a customer here: messages, calls that nobody has made yet, and the words of those that were made. How a call ended
-- and which score an advisor was given stays, with the customer's id and nobody behind it.
CREATE FUNCTION erasure_of_calls_and_messages()
RETURNS TABLE (place integer, its_table text, how text, whose text, holds text, blanked text)
LANGUAGE sql IMMUTABLE SET search_path = notification, pg_temp AS $$
    VALUES
        (1, 'call_attempts', 'remove',
            't.call_task_id IN (SELECT c.id FROM call_tasks c WHERE c.customer_id = $1 AND c.state = 1)', NULL::text, NULL::text),
        (2, 'call_attempts', 'blank', 't.call_task_id IN (SELECT c.id FROM call_tasks c WHERE c.customer_id = $1)',
            't.note IS NOT NULL OR t.call_record <> ''-'' OR t.request_hash IS NOT NULL',
            'note = NULL, call_record = ''-'', request_hash = NULL'),
        (3, 'call_tasks', 'remove', 't.customer_id = $1 AND t.state = 1', NULL, NULL),
        (4, 'call_tasks', 'keep', 't.customer_id = $1', NULL, NULL),
        (5, 'message_decisions', 'remove', 't.message_id IN (SELECT m.id FROM messages m WHERE m.customer_id = $1)', NULL, NULL),
        (6, 'messages', 'remove', 't.customer_id = $1', NULL, NULL),
        (7, 'erased_customers', 'keep', 't.customer_id = $1', NULL, NULL)
$$;
