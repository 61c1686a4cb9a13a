SELECT id, nmae FROM items WHERE id = 12
SELECT * FROM item WHERE id = 12
SELECT price / (stock - stock) FROM items WHERE id = 3
SELECT * FROM items WHERE id = 'twelve'
SELCT count(*) FROM orders
INSERT INTO items VALUES (7, 'item 7', 1, 1)
INSERT INTO order_lines VALUES (-1, 5, 1)
INSERT INTO items (id, stock) VALUES (NULL, 5)
INSERT INTO items VALUES (1000000, 'x', NULL, 1)
INSERT INTO items VALUES (99999999999, 'x', 1, 1)
INSERT INTO items (id, stock, colour) VALUES (3, 3, 'red')
INSERT INTO items VALUES (1, 2, 3, 4, 5, 6)
UPDATE items SET stock = 'many' WHERE id = 1
UPDATE items SET id = 5 WHERE id = 6
DELETE FROM items WHERE id IN (SELECT item FROM order_lines)
DROP TABLE orders
DROP TABLE nothing_here
DROP TABLE IF EXISTS nothing_here
DROP FUNCTION area(numeric)
DROP INDEX items_nowhere
DROP TABLE pg_class
CREATE TABLE items (id int)
CREATE TABLE IF NOT EXISTS items (id int)
CREATE TABLE broken (a int, a text)
CREATE TABLE broken (a wrongtype)
CREATE TABLE t_fk (a int REFERENCES nowhere (id))
CREATE INDEX ON items (nothing)
CREATE INDEX ON items USING gin (stock)
CREATE UNIQUE INDEX ON items ((stock / 1000000))
ALTER TABLE items ADD COLUMN name text
ALTER TABLE items DROP COLUMN nothing
ALTER TABLE items ALTER COLUMN name TYPE int USING name::int
ALTER TABLE items ADD CONSTRAINT positive CHECK (price < 0)
ALTER TABLE nothing RENAME TO something
CREATE TEMP TABLE scratch (id serial PRIMARY KEY, t text UNIQUE, v int CHECK (v > 0)); INSERT INTO scratch (t, v) VALUES ('a', 1), ('b', 2); INSERT INTO scratch (t, v) VALUES ('a', 3)
CREATE TEMP TABLE positive (v int CHECK (v > 0)); INSERT INTO positive VALUES (-4)
CREATE TEMP TABLE parts (k int) PARTITION BY RANGE (k); CREATE TABLE pg_temp.p1 PARTITION OF parts FOR VALUES FROM (1) TO (10); INSERT INTO parts VALUES (99)
SELECT 'abc'::int
SELECT '2026-13-45'::date
SELECT 'nan'::numeric::int
SELECT '{1,2'::int[]
SELECT '{"a": 1,}'::json
SELECT '{"a": }'::jsonb
SELECT '<a><b></a>'::xml
SELECT 'not a uuid'::uuid
SELECT '300.1.1.1'::inet
SELECT 'maybe'::bool
SELECT 2147483647 + 1
SELECT 32000::smallint * 32000::smallint
SELECT 1e400::float8
SELECT exp(10000::float8)
SELECT sqrt(-1::float8)
SELECT ln(0::numeric)
SELECT 1 % 0
SELECT to_date('yesterday', 'YYYY-MM-DD')
SELECT to_number('abc', '999')
SELECT regexp_replace('a', '(', 'b')
SELECT 'a' ~ '[a-'
SELECT 'a' LIKE 'b\' ESCAPE ''
SELECT convert_from('\xff', 'UTF8')
SELECT E'\xff'
SELECT chr(0)
SELECT decode('xyz', 'hex')
SELECT decode('a', 'base64')
SELECT encode('a', 'rot13')
SELECT substring('abc', 1, -1)
SELECT lpad('x', 2000000000)
SELECT repeat('x', 2000000000)
SELECT array_fill(1, ARRAY[100000, 100000])
SELECT (ARRAY[1,2])[1:2][1]
SELECT ARRAY[[1,2],[3]]
SELECT generate_series(1, 10, 0)
SELECT nextval('nothing_seq')
SELECT currval('orders_id_seq')
SELECT setval('orders_id_seq', -5)
SELECT no_such_function(1, 'a')
SELECT round('a', 'b')
SELECT max(price, stock) FROM items
SELECT id, count(*) FROM items
SELECT count(*) FROM items WHERE count(*) > 1
SELECT * FROM items GROUP BY id HAVING
SELECT a.id FROM items, orders WHERE id = 1
SELECT nothing.id FROM items
SELECT id FROM items UNION SELECT name FROM items
SELECT id FROM items UNION SELECT id, name FROM items
SELECT (SELECT id FROM items)
SELECT * FROM items ORDER BY 9
SELECT * FROM items LIMIT -1
SELECT * FROM items OFFSET -1
SELECT DISTINCT ON (id) name FROM items ORDER BY name
SELECT * FROM items FOR UPDATE SKIP
SELECT sum(name) FROM items
SELECT row_number() FROM items
SELECT 1 WHERE 1
SELECT CASE WHEN 1 THEN 2 END
SELECT NULL::nothing
SELECT $1
SELECT 'unterminated
SELECT "unterminated
SELECT /* unterminated
SELECT U&'\zzzz'
WITH RECURSIVE r AS (SELECT 1 UNION ALL SELECT * FROM r r1, r r2) SELECT * FROM r
WITH x AS (SELECT 1) SELECT * FROM y
EXPLAIN (ANALYSE, NOTHING) SELECT 1
PREPARE one AS SELECT 1; PREPARE one AS SELECT 2
EXECUTE nothing
DEALLOCATE nothing
FETCH ALL FROM nothing
DECLARE c CURSOR FOR SELECT 1
BEGIN; SELECT 1/0; SELECT 1
BEGIN; BEGIN; COMMIT; COMMIT
ROLLBACK
SAVEPOINT a
BEGIN; SAVEPOINT a; ROLLBACK TO b
SET nothing = 1
SET work_mem = '-5kB'
SET work_mem = 'lots'
SET statement_timeout = '5 fortnights'
SET TIME ZONE 'Nowhere/City'
SET client_encoding = 'klingon'
SET search_path = nowhere; CREATE TABLE x (a int)
SET ROLE postgres
SET SESSION AUTHORIZATION postgres
SET shared_buffers = '1GB'
SET default_transaction_isolation = 'none'
SHOW nothing
RESET nothing
SET statement_timeout = '60ms'; SELECT pg_sleep(2)
SET idle_in_transaction_session_timeout = '50ms'; BEGIN; SELECT 1
SET lock_timeout = '30ms'; BEGIN; LOCK TABLE items
SET default_transaction_read_only = on; DELETE FROM audit
BEGIN READ ONLY; CREATE TABLE x (a int)
GRANT SELECT ON items TO nobody_here
GRANT ALL ON DATABASE nowhere TO report
REVOKE SELECT ON nothing FROM report
CREATE ROLE extra LOGIN
CREATE DATABASE extra
ALTER SYSTEM SET work_mem = '8MB'
COPY items FROM '/etc/passwd'
COPY items TO PROGRAM 'cat'
COPY nothing TO STDOUT
CREATE EXTENSION nothing
CREATE EXTENSION dblink
LOAD 'nothing'
CREATE LANGUAGE nothing
CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT nothing'
CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETRUN 1; END'
CREATE OR REPLACE FUNCTION now_twice() RETURNS int LANGUAGE plpgsql AS 'DECLARE x int; BEGIN x := ''a''; RETURN x; END'; SELECT now_twice()
DO $$ BEGIN PERFORM 1 / 0; END $$
DO $$ DECLARE x int; BEGIN SELECT id INTO STRICT x FROM items; END $$
DO $$ DECLARE x int; BEGIN SELECT id INTO STRICT x FROM items WHERE id = -1; END $$
DO $$ BEGIN ASSERT 1 = 2, 'sums do not hold'; END $$
DO $$ BEGIN CASE 5 WHEN 1 THEN NULL; END CASE; END $$
DO $$ BEGIN EXECUTE 'SELCT 1'; END $$
DO $$ BEGIN RETURN 1; END $$
CREATE VIEW v AS SELECT nothing FROM items
CREATE OR REPLACE VIEW v_items AS SELECT id FROM items
CREATE OR REPLACE VIEW v_items AS SELECT name FROM items
DROP VIEW items
DELETE FROM best_sellers
INSERT INTO v_items VALUES (1)
TRUNCATE items
TRUNCATE nothing
LOCK TABLE pg_class
VACUUM nothing
VACUUM pg_class
ANALYZE items
REINDEX TABLE nothing
CLUSTER items
REFRESH MATERIALIZED VIEW items
REFRESH MATERIALIZED VIEW CONCURRENTLY best_sellers
COMMENT ON TABLE nothing IS 'x'
CREATE TRIGGER t BEFORE INSERT ON items EXECUTE FUNCTION nothing()
CREATE SEQUENCE s INCREMENT 0
CREATE SEQUENCE s MINVALUE 10 MAXVALUE 5
CREATE TYPE mood AS ENUM ('ok', 'ok')
CREATE DOMAIN d AS nothing
CREATE SCHEMA pg_mine
CREATE TABLESPACE t LOCATION '/nowhere'
CREATE PUBLICATION p FOR TABLE nothing
CREATE SUBSCRIPTION s CONNECTION 'host=nowhere' PUBLICATION p
LISTEN changes; NOTIFY changes, 'hello'
SELECT pg_notify('', 'x')
SELECT pg_terminate_backend(1)
SELECT pg_cancel_backend(999999)
SELECT pg_read_file('/etc/passwd')
SELECT pg_reload_conf()
SELECT lo_get(42)
SELECT set_config('nothing', 'x', false)
SELECT current_setting('nothing')
SELECT to_tsquery('a & & b')
SELECT to_tsvector('klingon', 'a')
SELECT json_object('{a,b,c}')
SELECT jsonb_path_query('{}', '$.a[')
SELECT int4range(5, 1)
SELECT make_date(2026, 2, 30)
SELECT interval '1 fortnight'
SELECT timestamp '2026-02-30 10:00'
SELECT date_trunc('fortnight', now())
SELECT extract(nothing FROM now())
SELECT now() AT TIME ZONE 'Nowhere'
SELECT format('%z', 1)
SELECT format('%s %s', 1)
SELECT pg_advisory_unlock(42)
SELECT 'x'::"char" || 1::bit
SELECT B'102'
SELECT X'1G'
SELECT point '1,2,3'
SELECT money 'one dollar'
SELECT '1.2.3'::macaddr
SELECT row(1,2) = row(1,2,3)
SELECT xmlparse(document 'x')
