-- All that is asked of each open case again and again, whether its owner is still there, so that its row need not be read; and
-- those that nobody owns, which a store lists.
CREATE INDEX cases_of_owner ON cases (owner_id, store_id, id) WHERE state <> 5 AND owner_id IS NOT NULL;
CREATE INDEX cases_unassigned ON cases (next_due, id DESC) WHERE owner_id IS NULL;
