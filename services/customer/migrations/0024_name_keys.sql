-- By what a file is found besides phone, plate, VIN and id number: its name, parts of it, its pinyin, initials. A row for each key and
-- each store that serves the customer, and one for the whole group, whose store is the nil UUID: so each search is a range of one
-- index, however many customers other stores have, and ends after a page. Made by the program (customers/name_keys), never read
-- for anything but a search. Personal data, as the name is.
CREATE TABLE name_keys (
    store_id    uuid NOT NULL,
    -- "C", so that a beginning is a range of the index, and its operators are leakproof.
    key         text COLLATE "C" NOT NULL CHECK (char_length(key) BETWEEN 2 AND 41),
    customer_id uuid NOT NULL,
    PRIMARY KEY (store_id, key, customer_id)
);
CREATE INDEX name_keys_customer ON name_keys (customer_id);
-- Read within reach; the nil UUID is in nobody's but the group's. Written by the functions below only.
ALTER TABLE name_keys ENABLE ROW LEVEL SECURITY;
CREATE POLICY name_keys_read ON name_keys FOR SELECT USING (public.foursight_reach(store_id));

-- Which rules made a file's keys; 0 for none, as of each file that the release before opens. A worker makes what is older.
ALTER TABLE customers ADD COLUMN key_rules smallint NOT NULL DEFAULT 0;
CREATE INDEX customers_key_rules ON customers (key_rules);

-- The keys of a file that is opened by the same statement: of the group. Those of its store follow by the trigger below. Keys of one
-- file come as one text, a line each. It writes as the tables' owner, and asks for the reach itself.
CREATE FUNCTION add_name_keys(its_id uuid, its_store uuid, its_keys text, its_rules smallint) RETURNS smallint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = customer, pg_temp AS $$
BEGIN
    IF NOT public.foursight_reach(its_store) THEN
        RETURN 0;
    END IF;
    INSERT INTO name_keys (store_id, key, customer_id)
    SELECT '00000000-0000-0000-0000-000000000000', line.key, its_id
    FROM string_to_table(nullif(its_keys, ''), E'\n') AS line (key);
    RETURN its_rules;
END
$$;

-- Gives files within reach these keys in place of those that they have, for the group and all stores that serve them.
CREATE FUNCTION write_name_keys(ids uuid[], their_keys text[], its_rules smallint) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = customer, pg_temp AS $$
DECLARE
    within uuid[];
BEGIN
    -- Who links a store to a file meanwhile waits for this lock, by the foreign key, and then copies what was written here.
    SELECT array_agg(locked.id) INTO within FROM (
        SELECT c.id FROM customers c
        WHERE c.id = ANY (ids)
          AND (public.foursight_reach(NULL)
              OR (SELECT true FROM customer_stores s
                  WHERE s.customer_id = c.id AND public.foursight_reach(s.store_id) LIMIT 1))
        ORDER BY c.id FOR UPDATE
    ) locked;
    DELETE FROM name_keys k WHERE k.customer_id = ANY (within);
    INSERT INTO name_keys (store_id, key, customer_id)
    SELECT scope.store_id, line.key, file.id
    FROM unnest(ids, their_keys) AS file (id, keys)
    CROSS JOIN LATERAL string_to_table(nullif(file.keys, ''), E'\n') AS line (key)
    CROSS JOIN LATERAL (
        SELECT '00000000-0000-0000-0000-000000000000'::uuid AS store_id
        UNION ALL
        SELECT s.store_id FROM customer_stores s WHERE s.customer_id = file.id
    ) scope
    WHERE file.id = ANY (within);
    UPDATE customers c SET key_rules = its_rules WHERE c.id = ANY (within) AND c.key_rules <> its_rules;
END
$$;

-- Who links a store, of this release or the one before, makes the file found there.
CREATE FUNCTION name_keys_of_links() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = customer, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO name_keys (store_id, key, customer_id)
        SELECT link.store_id, k.key, link.customer_id
        FROM links link JOIN name_keys k
            ON k.customer_id = link.customer_id AND k.store_id = '00000000-0000-0000-0000-000000000000'
        ON CONFLICT DO NOTHING;
    ELSE
        DELETE FROM name_keys k USING links link
        WHERE k.customer_id = link.customer_id AND k.store_id = link.store_id;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER customer_stores_linked AFTER INSERT ON customer_stores REFERENCING NEW TABLE AS links
    FOR EACH STATEMENT EXECUTE FUNCTION name_keys_of_links();
CREATE TRIGGER customer_stores_unlinked AFTER DELETE ON customer_stores REFERENCING OLD TABLE AS links
    FOR EACH STATEMENT EXECUTE FUNCTION name_keys_of_links();

-- A name that is changed by who knows nothing of keys is found by the new one after a while.
CREATE FUNCTION name_keys_of_renamed() RETURNS trigger
LANGUAGE plpgsql SET search_path = customer, pg_temp AS $$
BEGIN
    NEW.key_rules := 0;
    RETURN NEW;
END
$$;
CREATE TRIGGER customers_renamed BEFORE UPDATE OF display_name ON customers
    FOR EACH ROW WHEN (NEW.display_name IS DISTINCT FROM OLD.display_name) EXECUTE FUNCTION name_keys_of_renamed();
-- With the file go its keys, whoever removes it.
CREATE FUNCTION name_keys_of_erased() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = customer, pg_temp AS $$
BEGIN
    DELETE FROM name_keys k WHERE k.customer_id = OLD.id;
    RETURN NULL;
END
$$;
CREATE TRIGGER customers_erased AFTER DELETE ON customers
    FOR EACH ROW EXECUTE FUNCTION name_keys_of_erased();
