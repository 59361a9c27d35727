-- The group as it is: stores and the people who work for them.

CREATE TABLE stores (
    id uuid PRIMARY KEY,
    code text NOT NULL CONSTRAINT stores_code_key UNIQUE CHECK (code ~ '^[A-Z0-9][A-Z0-9-]{1,15}$'),
    display_name text NOT NULL CHECK (char_length(display_name) BETWEEN 1 AND 100),
    region text NOT NULL CHECK (char_length(region) BETWEEN 1 AND 50),
    city text NOT NULL DEFAULT '' CHECK (char_length(city) <= 50),
    time_zone text NOT NULL CHECK (char_length(time_zone) BETWEEN 1 AND 64),
    -- The week and the exceptions; always read and replaced as one, so it is one value.
    calendar jsonb NOT NULL,
    -- Grows with each change; travels with the store's events.
    version bigint NOT NULL DEFAULT 1 CHECK (version > 0),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    request_id uuid CONSTRAINT stores_request_id_key UNIQUE,
    request_hash bytea CHECK (octet_length(request_hash) = 32),
    CHECK ((request_id IS NULL) = (request_hash IS NULL))
);
-- The order of the list of stores.
CREATE INDEX stores_by_region ON stores (region, display_name, id);
ALTER TABLE stores ENABLE ROW LEVEL SECURITY;
CREATE POLICY stores_reach ON stores USING (foursight_reach(id)) WITH CHECK (foursight_reach(id));

CREATE TABLE staff (
    id uuid PRIMARY KEY,
    -- Kept in lower case: a login is not case-sensitive.
    login text NOT NULL CONSTRAINT staff_login_key UNIQUE CHECK (login ~ '^[a-z0-9][a-z0-9._@-]{1,63}$'),
    display_name text NOT NULL CHECK (char_length(display_name) BETWEEN 1 AND 100),
    -- Argon2id in PHC form.
    password_hash text NOT NULL CHECK (password_hash LIKE '$argon2id$%'),
    roles smallint[] NOT NULL CHECK (
        cardinality(roles) BETWEEN 1 AND 12 AND roles <@ '{1,2,3,4,5,6,7,8,9,10,11,12}'::smallint[]
    ),
    headquarters boolean NOT NULL,
    active boolean NOT NULL DEFAULT true,
    deactivated_at timestamptz CHECK (active = (deactivated_at IS NULL)),
    version bigint NOT NULL DEFAULT 1 CHECK (version > 0),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    request_id uuid CONSTRAINT staff_request_id_key UNIQUE,
    request_hash bytea CHECK (octet_length(request_hash) = 32),
    CHECK ((request_id IS NULL) = (request_hash IS NULL))
);
-- The order of the list of staff.
CREATE INDEX staff_by_name ON staff (display_name, id);

CREATE TABLE staff_stores (
    staff_id uuid NOT NULL REFERENCES staff ON DELETE CASCADE,
    store_id uuid NOT NULL REFERENCES stores,
    PRIMARY KEY (staff_id, store_id)
);
CREATE INDEX staff_stores_by_store ON staff_stores (store_id, staff_id);
ALTER TABLE staff_stores ENABLE ROW LEVEL SECURITY;
CREATE POLICY staff_stores_reach ON staff_stores
    USING (foursight_reach(store_id)) WITH CHECK (foursight_reach(store_id));

-- Somebody of the caller's stores, or anybody for headquarters: nobody's store has the nil id, so only the whole
-- group's reach covers it. Who is at headquarters alone is therefore not seen from a store.
ALTER TABLE staff ENABLE ROW LEVEL SECURITY;
CREATE POLICY staff_reach ON staff
    USING (
        foursight_reach('00000000-0000-0000-0000-000000000000'::uuid)
        OR EXISTS (
            SELECT FROM staff_stores work WHERE work.staff_id = staff.id AND foursight_reach(work.store_id)
        )
    )
    WITH CHECK (foursight_reach('00000000-0000-0000-0000-000000000000'::uuid));
