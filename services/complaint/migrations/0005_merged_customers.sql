-- Files of customers that the customer service has merged: what is here of the one that was absorbed is the survivor's, until the merge is
-- undone. Whose rows were before; NULL for what is of the customer's own.
ALTER TABLE cases ADD COLUMN first_customer_id uuid;

CREATE TABLE customer_merges (
    merge_id    uuid PRIMARY KEY,
    survivor_id uuid NOT NULL,
    absorbed_id uuid NOT NULL,
    -- Stays, so that a merge that is told after its undoing has no effect.
    undone      boolean NOT NULL
);
CREATE UNIQUE INDEX customer_merges_absorbed ON customer_merges (absorbed_id) WHERE NOT undone;
CREATE INDEX customer_merges_survivor ON customer_merges (survivor_id) WHERE NOT undone;

-- What is written of a customer is written of who the customer is now. It holds the lock that a merge takes alone, so that
-- nothing is written of the absorbed file while its rows follow.
CREATE FUNCTION follow_customer() RETURNS trigger
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    survivor uuid;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtext('complaint customer merges'));
    LOOP
        SELECT m.survivor_id INTO survivor FROM complaint.customer_merges m
        WHERE m.absorbed_id = NEW.customer_id AND NOT m.undone;
        EXIT WHEN survivor IS NULL;
        NEW.first_customer_id := coalesce(NEW.first_customer_id, NEW.customer_id);
        NEW.customer_id := survivor;
    END LOOP;
    RETURN NEW;
END
$$;
CREATE TRIGGER cases_follow_customer BEFORE INSERT ON cases
    FOR EACH ROW WHEN (NEW.customer_id IS NOT NULL) EXECUTE FUNCTION follow_customer();

-- Two files became one. Told again, or after it was undone, it changes nothing.
CREATE FUNCTION merge_customers(its_merge uuid, survivor uuid, absorbed uuid) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('complaint customer merges'));
    INSERT INTO complaint.customer_merges (merge_id, survivor_id, absorbed_id, undone) VALUES (its_merge, survivor, absorbed, false)
    ON CONFLICT (merge_id) DO NOTHING;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    UPDATE complaint.cases SET customer_id = survivor, first_customer_id = coalesce(first_customer_id, absorbed)
    WHERE customer_id = absorbed;
END
$$;

-- A merge was undone: rows that came with the absorbed file, or were written of it since, go back to it.
CREATE FUNCTION part_customers(its_merge uuid, survivor uuid, absorbed uuid) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    parts uuid[];
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('complaint customer merges'));
    INSERT INTO complaint.customer_merges AS m (merge_id, survivor_id, absorbed_id, undone)
    VALUES (its_merge, survivor, absorbed, true)
    ON CONFLICT (merge_id) DO UPDATE SET undone = true WHERE NOT m.undone;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    WITH RECURSIVE part (id) AS (
        SELECT absorbed
        UNION
        SELECT m.absorbed_id FROM part p JOIN complaint.customer_merges m ON m.survivor_id = p.id AND NOT m.undone
    ) SELECT array_agg(p.id) INTO parts FROM part p;
    UPDATE complaint.cases SET customer_id = absorbed, first_customer_id = nullif(first_customer_id, absorbed)
    WHERE customer_id = survivor AND first_customer_id = ANY (parts);
END
$$;

-- What an erasure does to what is known of merges: ids, which stay so that nothing comes back by the one that was absorbed.
CREATE FUNCTION erasure_of_merges()
RETURNS TABLE (place integer, its_table text, how text, whose text, holds text, blanked text)
LANGUAGE sql IMMUTABLE SET search_path = complaint, pg_temp AS $$
    VALUES
        (3, 'customer_merges', 'keep', 't.survivor_id = $1 OR t.absorbed_id = $1', NULL::text, NULL::text),
        (0, 'cases', 'blank', 't.customer_id = $1', 't.first_customer_id IS NOT NULL', 'first_customer_id = NULL')
$$;
