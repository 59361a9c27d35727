-- The group's segments are everybody's to use who reaches anything: what says nothing of how far it reaches sees none of them either.
ALTER POLICY segments_read ON segments USING (
    public.foursight_reach(store_id)
    OR (store_id IS NULL AND (SELECT coalesce(current_setting('foursight.reach', true), '') <> '')));
