-- In which region each store is, as identity tells it: lists are narrowed by it.
CREATE TABLE stores (
    id      uuid PRIMARY KEY,
    region  text NOT NULL CHECK (char_length(region) BETWEEN 1 AND 50),
    version bigint NOT NULL
);
CREATE INDEX stores_region ON stores (region);
