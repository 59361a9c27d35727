-- Whose open cases are looked through when somebody leaves; and those that nobody owns, which a store lists.
CREATE INDEX cases_of_owner ON cases (owner_id) WHERE state <> 5 AND owner_id IS NOT NULL;
CREATE INDEX cases_unassigned ON cases (next_due, id DESC) WHERE owner_id IS NULL;
