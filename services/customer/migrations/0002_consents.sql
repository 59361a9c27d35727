-- What the customer allows. Rows are only ever added; the newest of each purpose and kind of contact holds.
CREATE TABLE consents (
    id              uuid PRIMARY KEY,
    customer_id     uuid NOT NULL REFERENCES customers (id),
    purpose         smallint NOT NULL CHECK (purpose BETWEEN 1 AND 5),
    contact_kind    smallint NOT NULL CHECK (contact_kind BETWEEN 1 AND 4),
    state           smallint NOT NULL CHECK (state IN (1, 2)),
    method          text NOT NULL CHECK (char_length(method) BETWEEN 1 AND 100),
    wording_version text NOT NULL CHECK (char_length(wording_version) BETWEEN 1 AND 50),
    -- The member of staff who recorded it; absent when the customer did.
    recorder        uuid,
    -- The file's version that the record made. The newest record is the one with the highest: clocks of several
    -- machines may disagree, the file's row lock does not.
    version         bigint NOT NULL,
    create_time     timestamptz NOT NULL,
    request_id      uuid,
    request_hash    bytea CHECK (octet_length(request_hash) = 32)
);
CREATE UNIQUE INDEX consents_request ON consents (request_id) WHERE request_id IS NOT NULL;
CREATE UNIQUE INDEX consents_newest ON consents (customer_id, version DESC);
CREATE INDEX consents_state ON consents (customer_id, purpose, contact_kind, version DESC) INCLUDE (state);

ALTER TABLE consents ENABLE ROW LEVEL SECURITY;
CREATE POLICY consents_reach ON consents
    USING (public.foursight_reach(NULL) OR EXISTS (SELECT FROM customer_stores s WHERE s.customer_id = consents.customer_id))
    WITH CHECK (public.foursight_reach(NULL) OR EXISTS (SELECT FROM customer_stores s WHERE s.customer_id = consents.customer_id));
