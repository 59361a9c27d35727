-- Made in every service's schema: how what a service has of a customer goes when the customer is erased, and stays gone.
--
-- What that is, a service's own migrations say, in functions `erasure_of_…()`, a row for each rule:
--
--   place      in this order, so that rows are found by others that go later
--   its_table  the table, `t` in what follows; `$1` is the customer's id, `$2` the time
--   how        `remove` rows, `blank` what they say, or `keep` them as they are
--   whose      which rows
--   holds      of these, which still say something (`blank` only)
--   blanked    what is set then (`blank` only)
--
-- They read and write as the tables' owner, since what is on record can only be added to by the service itself. So they ask for the
-- reach of the whole group, and each use leaves a row in a table that is only ever added to.
CREATE TABLE erased_customers (
    customer_id uuid PRIMARY KEY,
    erase_time  timestamptz NOT NULL
);
COMMENT ON TABLE erased_customers IS 'append-only: who was erased does not come back, whatever comes late';

DO $make$
DECLARE
    home text := current_schema();
BEGIN
    EXECUTE format($function$
        CREATE FUNCTION erasure_rules()
        RETURNS TABLE (place integer, its_table text, how text, whose text, holds text, blanked text)
        LANGUAGE plpgsql STABLE SET search_path = %1$I, pg_temp AS $body$
        DECLARE
            part name;
        BEGIN
            FOR part IN
                SELECT p.proname FROM pg_proc p
                WHERE p.pronamespace = %1$L::regnamespace AND starts_with(p.proname::text, 'erasure_of_') ORDER BY 1
            LOOP
                RETURN QUERY EXECUTE format('SELECT * FROM %%I()', part);
            END LOOP;
        END
        $body$
    $function$, home);

    -- Whoever writes something of customers holds this while it writes, and so either comes before an erasure, which then finds it, or
    -- sees that there was one. It tells which of these customers may be written of.
    EXECUTE format($function$
        CREATE FUNCTION living(ids uuid[]) RETURNS uuid[]
        LANGUAGE plpgsql VOLATILE SET search_path = %1$I, pg_temp AS $body$
        BEGIN
            PERFORM pg_advisory_xact_lock_shared(hashtext('erasure'), hashtext(%1$L));
            RETURN array(
                SELECT asked.id FROM unnest(ids) AS asked (id)
                WHERE NOT EXISTS (SELECT FROM erased_customers e WHERE e.customer_id = asked.id));
        END
        $body$
    $function$, home);

    -- Removes and blanks what there is of a customer, and remembers that. Again, it finds what has come since.
    EXECUTE format($function$
        CREATE FUNCTION erase_customer(its_id uuid, at timestamptz)
        RETURNS TABLE (of_table text, rows_removed bigint, rows_blanked bigint, rows_kept bigint)
        LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = %1$I, pg_temp AS $body$
        DECLARE
            rule record;
            touched bigint;
            removed jsonb := '{}';
            blanked jsonb := '{}';
            counted bigint;
        BEGIN
            IF NOT public.foursight_reach(NULL) THEN
                RAISE insufficient_privilege USING MESSAGE = 'only who reaches the whole group erases';
            END IF;
            PERFORM pg_advisory_xact_lock(hashtext('erasure'), hashtext(%1$L));
            INSERT INTO erased_customers (customer_id, erase_time) VALUES (its_id, at) ON CONFLICT DO NOTHING;
            FOR rule IN SELECT * FROM erasure_rules() r ORDER BY r.place, r.its_table LOOP
                IF rule.how = 'remove' THEN
                    EXECUTE format('DELETE FROM %%I t WHERE %%s', rule.its_table, rule.whose) USING its_id, at;
                    GET DIAGNOSTICS touched = ROW_COUNT;
                    removed := jsonb_set(removed, array[rule.its_table],
                        to_jsonb(coalesce((removed ->> rule.its_table)::bigint, 0) + touched));
                ELSIF rule.how = 'blank' THEN
                    EXECUTE format('UPDATE %%I t SET %%s WHERE (%%s) AND (%%s)',
                        rule.its_table, rule.blanked, rule.whose, rule.holds) USING its_id, at;
                    GET DIAGNOSTICS touched = ROW_COUNT;
                    blanked := jsonb_set(blanked, array[rule.its_table],
                        to_jsonb(coalesce((blanked ->> rule.its_table)::bigint, 0) + touched));
                END IF;
            END LOOP;
            FOR rule IN
                SELECT r.its_table, string_agg('(' || r.whose || ')', ' OR ') FILTER (WHERE r.how <> 'remove') AS whose
                FROM erasure_rules() r GROUP BY 1 ORDER BY 1
            LOOP
                counted := 0;
                IF rule.whose IS NOT NULL THEN
                    EXECUTE format('SELECT count(*) FROM %%I t WHERE %%s', rule.its_table, rule.whose)
                    INTO counted USING its_id, at;
                END IF;
                of_table := rule.its_table;
                rows_removed := coalesce((removed ->> rule.its_table)::bigint, 0);
                rows_blanked := coalesce((blanked ->> rule.its_table)::bigint, 0);
                rows_kept := counted;
                RETURN NEXT;
            END LOOP;
        END
        $body$
    $function$, home);

    -- What an erasure would do now; after one, nothing.
    EXECUTE format($function$
        CREATE FUNCTION erasable(its_id uuid)
        RETURNS TABLE (of_table text, rows_removed bigint, rows_blanked bigint, rows_kept bigint)
        LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = %1$I, pg_temp AS $body$
        DECLARE
            rule record;
            counted bigint;
        BEGIN
            IF NOT public.foursight_reach(NULL) THEN
                RAISE insufficient_privilege USING MESSAGE = 'only who reaches the whole group asks this';
            END IF;
            FOR rule IN SELECT * FROM erasure_rules() r ORDER BY r.place, r.its_table LOOP
                EXECUTE format('SELECT count(*) FROM %%I t WHERE (%%s) AND (%%s)',
                    rule.its_table, rule.whose, CASE WHEN rule.how = 'blank' THEN rule.holds ELSE 'true' END)
                INTO counted USING its_id, now();
                of_table := rule.its_table;
                rows_removed := CASE WHEN rule.how = 'remove' THEN counted ELSE 0 END;
                rows_blanked := CASE WHEN rule.how = 'blank' THEN counted ELSE 0 END;
                rows_kept := CASE WHEN rule.how = 'keep' THEN counted ELSE 0 END;
                RETURN NEXT;
            END LOOP;
        END
        $body$
    $function$, home);

    -- What there is of a customer, row by row: the copy that customers may ask for. What only serves to find a row or to know a request
    -- again is left out.
    EXECUTE format($function$
        CREATE FUNCTION copy_of(its_id uuid) RETURNS TABLE (of_table text, its_row jsonb)
        LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = %1$I, pg_temp AS $body$
        DECLARE
            rule record;
        BEGIN
            IF NOT public.foursight_reach(NULL) THEN
                RAISE insufficient_privilege USING MESSAGE = 'only who reaches the whole group asks this';
            END IF;
            FOR rule IN
                SELECT r.its_table, string_agg('(' || r.whose || ')', ' OR ') AS whose
                FROM erasure_rules() r WHERE r.its_table <> 'erased_customers' GROUP BY 1 ORDER BY 1
            LOOP
                RETURN QUERY EXECUTE format(
                    'SELECT %%L::text, to_jsonb(t) - array[''hash'', ''tail_hash'', ''national_id_hash'', ''search_name'',
                                                           ''request_id'', ''request_hash'']
                     FROM %%I t WHERE %%s', rule.its_table, rule.its_table, rule.whose) USING its_id, now();
            END LOOP;
        END
        $body$
    $function$, home);

    -- Every row of the schema that has the id anywhere, by table and column, whoever made the table and whatever it is for.
    EXECUTE format($function$
        CREATE FUNCTION traces_of(its_id uuid) RETURNS TABLE (of_table text, of_column text, rows_found bigint)
        LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = %1$I, pg_temp AS $body$
        DECLARE
            part record;
        BEGIN
            IF NOT public.foursight_reach(NULL) THEN
                RAISE insufficient_privilege USING MESSAGE = 'only who reaches the whole group asks this';
            END IF;
            FOR part IN
                SELECT c.relname::text AS its_table, a.attname::text AS its_column,
                       CASE format_type(a.atttypid, NULL)
                           WHEN 'uuid' THEN '%%1$I = $1'
                           WHEN 'uuid[]' THEN '$1 = ANY (%%1$I)'
                           WHEN 'bytea' THEN 'position($2::bytea IN %%1$I) > 0 OR position($3::bytea IN %%1$I) > 0'
                           ELSE 'position($1::text IN %%1$I::text) > 0'
                       END AS has_it
                FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                WHERE c.relnamespace = %1$L::regnamespace AND c.relkind IN ('r', 'p')
                  AND format_type(a.atttypid, NULL) IN ('uuid', 'uuid[]', 'text', 'text[]', 'json', 'jsonb', 'bytea',
                                                        'character varying')
                ORDER BY 1, 2
            LOOP
                EXECUTE format('SELECT count(*) FROM %%I WHERE ' || format(part.has_it, part.its_column), part.its_table)
                INTO rows_found USING its_id, convert_to(its_id::text, 'UTF8'), uuid_send(its_id);
                IF rows_found > 0 THEN
                    of_table := part.its_table;
                    of_column := part.its_column;
                    RETURN NEXT;
                END IF;
            END LOOP;
        END
        $body$
    $function$, home);
END
$make$;
