-- Made in every service's schema: who saw or changed what, when. Only ever added to.
CREATE TABLE audit (
    seq      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at       timestamptz NOT NULL,
    subject  text        NOT NULL,
    reach    text        NOT NULL,
    method   text        NOT NULL,
    resource text        NOT NULL,
    store_id uuid,
    -- Ids and codes, never personal data.
    detail   jsonb       NOT NULL,
    trace_id text
);

-- The chain over the rows, sealed after the fact: each hash covers the one before.
CREATE TABLE audit_seals (
    link      bigint PRIMARY KEY,
    audit_seq bigint NOT NULL UNIQUE,
    hash      bytea  NOT NULL
);
