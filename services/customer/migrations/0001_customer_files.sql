-- The customer file: one customer, one file. The only tables of the whole product that hold personal data.
--
-- Sealed columns hold AES-256-GCM under the customer's own data key, bound to the customer and the kind of fact;
-- the data key stands in customer_keys, wrapped by a versioned master key that is never in the database. Hash columns
-- are HMAC-SHA-256 of the normalised value under a key that is not in the database either: equal values are found,
-- the value is not. A person's or organisation's name and the date of birth stand plain, because they are searched
-- and planned by; they are in no other schema.

CREATE TABLE customers (
    id                 uuid PRIMARY KEY,
    kind               smallint NOT NULL CHECK (kind IN (1, 2)),
    display_name       text NOT NULL CHECK (char_length(display_name) BETWEEN 1 AND 100),
    -- The name folded for search; "C" so that a beginning is a range of an index. A range and not LIKE, because LIKE is
    -- not leakproof and the planner therefore keeps it away from indexes below row-level security.
    search_name        text COLLATE "C" NOT NULL,
    gender             smallint NOT NULL CHECK (gender BETWEEN 0 AND 2),
    birthday           date,
    national_id_sealed bytea,
    national_id_hash   bytea CHECK (octet_length(national_id_hash) = 32),
    -- The store that opened the file. Who may see it stands in customer_stores.
    store_id           uuid NOT NULL,
    source             smallint NOT NULL CHECK (source BETWEEN 1 AND 11),
    stage              smallint NOT NULL CHECK (stage BETWEEN 1 AND 6),
    version            bigint NOT NULL CHECK (version > 0),
    create_time        timestamptz NOT NULL,
    update_time        timestamptz NOT NULL,
    request_id         uuid,
    request_hash       bytea CHECK (octet_length(request_hash) = 32),
    CHECK ((national_id_sealed IS NULL) = (national_id_hash IS NULL))
);
CREATE UNIQUE INDEX customers_request ON customers (request_id) WHERE request_id IS NOT NULL;
-- One file for each person, however many write at once.
CREATE UNIQUE INDEX customers_national_id ON customers (national_id_hash) WHERE national_id_hash IS NOT NULL;
CREATE INDEX customers_name ON customers (search_name);

-- Which stores serve a customer, and so who sees the file.
CREATE TABLE customer_stores (
    customer_id uuid NOT NULL REFERENCES customers (id),
    store_id    uuid NOT NULL,
    start_time  timestamptz NOT NULL,
    PRIMARY KEY (customer_id, store_id)
);
CREATE INDEX customer_stores_newest ON customer_stores (store_id, customer_id DESC);

-- Destroying the row destroys the customer's sealed facts, wherever else copies of them are.
CREATE TABLE customer_keys (
    customer_id    uuid PRIMARY KEY REFERENCES customers (id),
    master_version integer NOT NULL CHECK (master_version > 0),
    wrapped        bytea NOT NULL
);

-- Ways to reach a customer, dated: a recycled number belongs to its new owner from that day on.
CREATE TABLE contact_points (
    customer_id uuid NOT NULL REFERENCES customers (id),
    id          uuid NOT NULL,
    kind        smallint NOT NULL CHECK (kind BETWEEN 1 AND 4),
    sealed      bytea NOT NULL,
    -- Of the normalised value; an address has none, nobody searches by it.
    hash        bytea CHECK (octet_length(hash) = 32),
    -- Of a phone's last 4 digits.
    tail_hash   bytea CHECK (octet_length(tail_hash) = 32),
    -- Whether it tells who the customer is: a person's phone does, an organisation's switchboard and an e-mail do not.
    exclusive   boolean NOT NULL,
    source      smallint NOT NULL CHECK (source BETWEEN 1 AND 11),
    -- The store that learnt it.
    store_id    uuid NOT NULL,
    start_time  timestamptz NOT NULL,
    end_time    timestamptz CHECK (end_time >= start_time),
    PRIMARY KEY (customer_id, id)
);
-- One holder at a time, however many write at once.
CREATE UNIQUE INDEX contact_points_holder ON contact_points (hash) WHERE exclusive AND end_time IS NULL;
CREATE INDEX contact_points_hash ON contact_points (hash) WHERE hash IS NOT NULL AND NOT (exclusive AND end_time IS NULL);
CREATE INDEX contact_points_tail ON contact_points (tail_hash) WHERE tail_hash IS NOT NULL;

-- Row-level security. A file is visible through its stores, and to who reaches the whole group (asked as reach(NULL),
-- which costs no look at a row). The policies of what belongs to a customer ask
-- customer_stores, whose own policy leaves the caller's stores only; none asks a table that asks back.
ALTER TABLE customer_stores ENABLE ROW LEVEL SECURITY;
CREATE POLICY customer_stores_reach ON customer_stores
    USING (public.foursight_reach(store_id)) WITH CHECK (public.foursight_reach(store_id));

-- Writing looks at the row alone: a file and its link to the store are written by one statement, which does not see
-- its own rows.
ALTER TABLE customers ENABLE ROW LEVEL SECURITY;
CREATE POLICY customers_read ON customers FOR SELECT
    USING (public.foursight_reach(NULL) OR EXISTS (SELECT FROM customer_stores s WHERE s.customer_id = customers.id));
CREATE POLICY customers_open ON customers FOR INSERT
    WITH CHECK (public.foursight_reach(store_id));
CREATE POLICY customers_change ON customers FOR UPDATE
    USING (public.foursight_reach(NULL) OR EXISTS (SELECT FROM customer_stores s WHERE s.customer_id = customers.id));
CREATE POLICY customers_erase ON customers FOR DELETE
    USING (public.foursight_reach(NULL) OR EXISTS (SELECT FROM customer_stores s WHERE s.customer_id = customers.id));

ALTER TABLE customer_keys ENABLE ROW LEVEL SECURITY;
CREATE POLICY customer_keys_read ON customer_keys FOR SELECT
    USING (public.foursight_reach(NULL) OR EXISTS (SELECT FROM customer_stores s WHERE s.customer_id = customer_keys.customer_id));
-- A key says nothing by itself, and is worth nothing without its file.
CREATE POLICY customer_keys_make ON customer_keys FOR INSERT WITH CHECK (true);
CREATE POLICY customer_keys_change ON customer_keys FOR UPDATE
    USING (public.foursight_reach(NULL) OR EXISTS (SELECT FROM customer_stores s WHERE s.customer_id = customer_keys.customer_id));
CREATE POLICY customer_keys_destroy ON customer_keys FOR DELETE
    USING (public.foursight_reach(NULL) OR EXISTS (SELECT FROM customer_stores s WHERE s.customer_id = customer_keys.customer_id));

ALTER TABLE contact_points ENABLE ROW LEVEL SECURITY;
CREATE POLICY contact_points_read ON contact_points FOR SELECT
    USING (public.foursight_reach(NULL) OR EXISTS (SELECT FROM customer_stores s WHERE s.customer_id = contact_points.customer_id));
CREATE POLICY contact_points_learn ON contact_points FOR INSERT
    WITH CHECK (public.foursight_reach(store_id));
CREATE POLICY contact_points_change ON contact_points FOR UPDATE
    USING (public.foursight_reach(NULL) OR EXISTS (SELECT FROM customer_stores s WHERE s.customer_id = contact_points.customer_id));
CREATE POLICY contact_points_erase ON contact_points FOR DELETE
    USING (public.foursight_reach(NULL) OR EXISTS (SELECT FROM customer_stores s WHERE s.customer_id = contact_points.customer_id));

-- Whose file is it, in the whole group? Somebody who stands at the counter with this phone or this id card is served
-- with the one file there is, also when another store opened it. Tells an id to who knows the value and its hash key;
-- it reads as the tables' owner, whom row-level security does not bind.
CREATE FUNCTION file_of(its_kind smallint, phone_hashes bytea[], its_national_id_hash bytea) RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = customer, pg_temp AS $$
    SELECT id FROM (
        SELECT c.id FROM customers c WHERE c.national_id_hash = its_national_id_hash
        UNION ALL
        SELECT p.customer_id FROM contact_points p
        WHERE p.hash = ANY (phone_hashes) AND p.exclusive AND p.end_time IS NULL AND its_kind = 1
        UNION ALL
        SELECT p.customer_id FROM contact_points p JOIN customers c ON c.id = p.customer_id
        WHERE p.hash = ANY (phone_hashes) AND p.hash IS NOT NULL AND NOT (p.exclusive AND p.end_time IS NULL)
          AND p.end_time IS NULL AND p.kind = 1 AND c.kind = 2 AND its_kind = 2
    ) found
    LIMIT 1
$$;
