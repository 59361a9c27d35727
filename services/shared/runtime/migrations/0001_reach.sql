-- Made once in every database: the question that each row-level policy asks.
--
-- A transaction says how far it reaches: `*` for the whole group, else the ids of its stores, separated by commas. One
-- that says nothing reaches nothing.
CREATE OR REPLACE FUNCTION public.foursight_reach(store uuid) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN coalesce(
        current_setting('foursight.reach', true) = '*'
            OR store = ANY (string_to_array(nullif(nullif(current_setting('foursight.reach', true), '*'), ''), ',')::uuid[]),
        false);
