-- What somebody's roles are, and so whether a case may be given to them. NULL for who was told before that was kept: until
-- identity's history has been heard again, by a consumer of its own, such people may be given cases as before.
ALTER TABLE staff ADD COLUMN roles smallint[];
