-- The staff as identity told them: who may own a lead. It has no store of its own and names nobody.
CREATE TABLE staff (
    id           uuid PRIMARY KEY,
    stores       uuid[] NOT NULL,
    headquarters boolean NOT NULL,
    active       boolean NOT NULL,
    roles        smallint[] NOT NULL,
    version      bigint NOT NULL
);

-- A lead whose owner left or changed store is nobody's. `owner_id` stays, as who had it last: the release before, which may
-- still run, knows no lead without an owner.
ALTER TABLE leads ADD COLUMN release_time timestamptz;
COMMENT ON COLUMN leads.release_time IS 'since when nobody has the lead; NULL while its owner does';
-- All that is asked of each open lead again and again, so that its row need not be read.
CREATE INDEX leads_owner ON leads (owner_id, store_id, id) WHERE state = 1 AND release_time IS NULL;
CREATE INDEX leads_released ON leads (store_id, (coalesce(next_follow_up_time, 'infinity')), id)
    WHERE state = 1 AND release_time IS NOT NULL;
