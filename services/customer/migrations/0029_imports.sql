-- Bringing old data in (src/imports). A run belongs to the store that it is for. The file itself, its name, its columns and what was
-- mapped are sealed under a key of the run's own, which a master key wraps, as customers' keys are.
CREATE TABLE imports (
    id              uuid PRIMARY KEY,
    store_id        uuid NOT NULL,
    kind            smallint NOT NULL CHECK (kind BETWEEN 1 AND 4),
    source          smallint NOT NULL CHECK (source BETWEEN 1 AND 11),
    state           smallint NOT NULL CHECK (state BETWEEN 1 AND 9),
    dry_run         boolean NOT NULL DEFAULT false,
    -- Which step the worker is at or was stopped at, `Step` in imports/run.rs.
    step            smallint NOT NULL DEFAULT 1 CHECK (step BETWEEN 1 AND 5),
    -- Which worker has it. A worker's slot is one process' at a time, so that who takes the slot over goes on with the run.
    slot            smallint,
    -- One more whenever a worker takes the run up: who had it before writes nothing any more.
    epoch           bigint NOT NULL DEFAULT 0,
    -- How often it was taken up since it came further.
    attempts        smallint NOT NULL DEFAULT 0,
    master_version  integer NOT NULL CHECK (master_version > 0),
    wrapped         bytea NOT NULL,
    name_sealed     bytea NOT NULL,
    mapping_sealed  bytea NOT NULL,
    columns_sealed  bytea,
    -- `staff/{id}`, and whether all files of the group are that person's to see.
    creator         text NOT NULL CHECK (char_length(creator) <= 100),
    creator_group   boolean NOT NULL,
    size_bytes      bigint NOT NULL DEFAULT 0 CHECK (size_bytes BETWEEN 0 AND 1073741824),
    chunks          integer NOT NULL DEFAULT 0,
    total_rows      bigint NOT NULL DEFAULT 0,
    -- The last row, by its number in the file, that the step has done, and how many rows those are.
    done_row        bigint NOT NULL DEFAULT 0,
    done_rows       bigint NOT NULL DEFAULT 0,
    created         bigint NOT NULL DEFAULT 0,
    updated         bigint NOT NULL DEFAULT 0,
    unchanged       bigint NOT NULL DEFAULT 0,
    conflicts       bigint NOT NULL DEFAULT 0,
    errors          bigint NOT NULL DEFAULT 0,
    -- Rows that told of another store's file without being its customer's.
    clashes         bigint NOT NULL DEFAULT 0,
    undone          bigint NOT NULL DEFAULT 0,
    kept            bigint NOT NULL DEFAULT 0,
    failure         text CHECK (char_length(failure) <= 60),
    failure_message text CHECK (char_length(failure_message) <= 1000),
    error_bytes     bigint NOT NULL DEFAULT 0,
    version         bigint NOT NULL DEFAULT 1 CHECK (version > 0),
    create_time     timestamptz NOT NULL,
    update_time     timestamptz NOT NULL,
    start_time      timestamptz,
    finish_time     timestamptz,
    -- When the bytes were removed.
    remove_time     timestamptz,
    request_id      uuid,
    request_hash    bytea CHECK (octet_length(request_hash) = 32)
);
CREATE UNIQUE INDEX imports_request ON imports (request_id) WHERE request_id IS NOT NULL;
CREATE INDEX imports_store ON imports (store_id, id DESC);
-- Those that a worker has or should have.
CREATE INDEX imports_work ON imports (id) WHERE state IN (2, 3, 8);
CREATE INDEX imports_bytes ON imports (update_time) WHERE remove_time IS NULL;
ALTER TABLE imports ENABLE ROW LEVEL SECURITY;
-- A run of somebody who sees all files tells of other stores' files, too: it is not for the store's own people.
CREATE POLICY imports_reach ON imports
    USING (public.foursight_reach(store_id) AND (NOT creator_group OR public.foursight_reach(NULL)))
    WITH CHECK (public.foursight_reach(store_id) AND (NOT creator_group OR public.foursight_reach(NULL)));

-- The file that came (part 1), and the rows that were not taken (part 2), in sealed pieces.
CREATE TABLE import_chunks (
    import_id uuid NOT NULL REFERENCES imports (id),
    part      smallint NOT NULL CHECK (part IN (1, 2)),
    start_at  bigint NOT NULL CHECK (start_at >= 0),
    length    integer NOT NULL CHECK (length > 0),
    sealed    bytea NOT NULL,
    PRIMARY KEY (import_id, part, start_at)
);
-- What is sealed does not get smaller.
ALTER TABLE import_chunks ALTER COLUMN sealed SET STORAGE EXTERNAL;

-- (Rows below name their run without a foreign key, which a million of them would each have to look up.)
-- By what each row tells who it is: keyed hashes of phones, id numbers, and of organizations' names with their phones; and ids of
-- the files that these lead to. Rows of one run that have a key in common are of one person. There while a run is checked and written.
CREATE TABLE import_keys (
    import_id  uuid NOT NULL,
    key        bytea NOT NULL,
    row_number bigint NOT NULL,
    -- Of all that the row says.
    content    bigint NOT NULL,
    -- 1 national id, 2 a person's phone, 3 an organization, 4 a file.
    kind       smallint NOT NULL,
    PRIMARY KEY (import_id, key, row_number)
);

-- Rows that lead to the same person as another row: `same` when they say the same, too.
CREATE TABLE import_twins (
    import_id  uuid NOT NULL,
    row_number bigint NOT NULL,
    other_row  bigint NOT NULL,
    same       boolean NOT NULL,
    PRIMARY KEY (import_id, row_number)
);

-- What became of each row. Stays when the file is gone.
CREATE TABLE import_rows (
    import_id   uuid NOT NULL,
    row_number  bigint NOT NULL,
    outcome     smallint NOT NULL CHECK (outcome BETWEEN 1 AND 5),
    customer_id uuid,
    -- Field, code and remedy of each; no personal data.
    reasons     jsonb,
    -- The file's version that the row made, and what the file was before, sealed under the customer's key.
    version     bigint,
    before      bytea,
    -- Whether the row was undone; NULL while nobody asked.
    undone      boolean,
    PRIMARY KEY (import_id, row_number)
);
-- Those that a person looks at.
CREATE INDEX import_rows_told ON import_rows (import_id, outcome, row_number) WHERE outcome IN (2, 4, 5);

-- What a store's people said a column is.
CREATE TABLE import_mappings (
    store_id uuid NOT NULL,
    kind     smallint NOT NULL CHECK (kind BETWEEN 1 AND 4),
    header   text NOT NULL CHECK (char_length(header) BETWEEN 1 AND 200),
    -- Empty for a column that is passed over.
    field    text NOT NULL CHECK (char_length(field) <= 60),
    PRIMARY KEY (store_id, kind, header)
);
ALTER TABLE import_mappings ENABLE ROW LEVEL SECURITY;
CREATE POLICY import_mappings_reach ON import_mappings
    USING (public.foursight_reach(store_id)) WITH CHECK (public.foursight_reach(store_id));

-- What is a run's is its store's.
DO $$
DECLARE
    its_table text;
    reached text;
BEGIN
    FOREACH its_table IN ARRAY ARRAY['import_chunks', 'import_keys', 'import_twins', 'import_rows'] LOOP
        reached := format(
            'public.foursight_reach(NULL) OR (SELECT true FROM imports i WHERE i.id = %I.import_id LIMIT 1)', its_table);
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', its_table);
        EXECUTE format('CREATE POLICY %I ON %I USING (%s) WITH CHECK (%s)', its_table || '_reach', its_table, reached, reached);
    END LOOP;
END
$$;
