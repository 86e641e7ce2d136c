-- ON CONFLICT that several partial indexes decide, or one of several exclusion constraints.
CREATE TABLE w (k int, id int, v int);
CREATE UNIQUE INDEX ON w (k, id) WHERE v > 5;
CREATE UNIQUE INDEX ON w (k, id) WHERE v > 8;
CREATE TABLE other (a int, b int);
CREATE TABLE c (k int, id int, v int, EXCLUDE USING btree (k WITH =, id WITH =), EXCLUDE USING btree (k WITH =, v WITH =));
CREATE TABLE cp (k int, id int, v int, CONSTRAINT cpx EXCLUDE USING btree (k WITH =, id WITH =) WHERE (v > 5));
CREATE TABLE e (k int4range, r int4range, v int, EXCLUDE USING gist (k WITH =, r WITH &&), UNIQUE(k, v));
-- distribute: SELECT create_distributed_table('w', 'k')
-- distribute: SELECT create_distributed_table('c', 'k')
-- distribute: SELECT create_distributed_table('cp', 'k')
-- distribute: SELECT create_distributed_table('e', 'k')
-- distribute: SELECT create_distributed_table('other', 'b')
INSERT INTO w SELECT i, i, i FROM generate_series(1,20) i;
INSERT INTO other SELECT i, i FROM generate_series(1,20) i;
-- both partial indexes
INSERT INTO w VALUES (10, 10, 9) ON CONFLICT (k, id) WHERE v > 8 DO UPDATE SET k = w.k + 100 RETURNING *;
INSERT INTO w VALUES (11, 11, 9) ON CONFLICT (k, id) WHERE v > 10 DO UPDATE SET k = w.k + 100 RETURNING *;
INSERT INTO w VALUES (7, 7, 9) ON CONFLICT (k, id) WHERE v > 8 DO UPDATE SET k = w.k + 100 RETURNING *;
INSERT INTO w VALUES (6, 6, 7) ON CONFLICT (k, id) WHERE v > 8 DO UPDATE SET k = w.k + 100 RETURNING *;
INSERT INTO w VALUES (8, 8, 4) ON CONFLICT (k, id) WHERE v > 8 DO UPDATE SET k = w.k + 100 RETURNING *;
INSERT INTO w VALUES (9, 9, 9) ON CONFLICT (k, id) WHERE v > 8 DO UPDATE SET v = (SELECT max(b) FROM other) + w.v RETURNING *;
INSERT INTO w VALUES (12, 12, 9) ON CONFLICT (k, id) WHERE v > 8 AND v > 2 DO UPDATE SET v = excluded.v + w.v RETURNING *;
INSERT INTO w VALUES (13, 13, 9) ON CONFLICT (k, id) WHERE v > 5 DO UPDATE SET v = (SELECT max(b) FROM other) RETURNING *;
SELECT * FROM w;
DROP INDEX w_k_id_idx;
CREATE UNIQUE INDEX ON w (k, lower(id::text)) WHERE v > 5;
INSERT INTO w VALUES (15, 15, 9) ON CONFLICT (k, lower(id::text)) WHERE v > 5 AND id > 2 DO UPDATE SET k = w.k + 100 RETURNING *;
INSERT INTO w VALUES (16, 16, 2) ON CONFLICT (k, lower(id::text)) WHERE v > 5 AND id > 2 DO UPDATE SET k = w.k + 100 RETURNING *;
INSERT INTO w VALUES (17, 17, 2), (17, 17, 9) ON CONFLICT (k, lower(id::text)) WHERE v > 5 AND id > 2 DO UPDATE SET v = (SELECT 1 + max(b) FROM other) RETURNING *;
SELECT * FROM w;
-- exclusion
INSERT INTO c SELECT i, i, i FROM generate_series(1,20) i;
INSERT INTO c VALUES (1, 1, 2) ON CONFLICT ON CONSTRAINT c_k_id_excl DO UPDATE SET k = c.k + 100 RETURNING *;
INSERT INTO c VALUES (2, 2, 3) ON CONFLICT ON CONSTRAINT c_k_id_excl DO NOTHING RETURNING *;
INSERT INTO c VALUES (2, 3, 2) ON CONFLICT ON CONSTRAINT c_k_id_excl DO NOTHING RETURNING *;
INSERT INTO c VALUES (2, 3, 2) ON CONFLICT DO NOTHING RETURNING *;
INSERT INTO cp SELECT i, i, i FROM generate_series(1,20) i;
INSERT INTO cp VALUES (10, 10, 9) ON CONFLICT ON CONSTRAINT cpx DO UPDATE SET k = c.k + 100 RETURNING *;
INSERT INTO cp VALUES (10, 10, 9) ON CONFLICT ON CONSTRAINT cpx DO NOTHING RETURNING *;
INSERT INTO cp VALUES (10, 10, 2) ON CONFLICT ON CONSTRAINT cpx DO NOTHING RETURNING *;
SELECT * FROM cp;
SELECT * FROM c;
INSERT INTO e VALUES ('[1,2)', '[1,4)', 1);
INSERT INTO e VALUES ('[1,2)', '[2,3)', 1) ON CONFLICT (k, v) DO UPDATE SET k = '[3,4)' RETURNING *;
INSERT INTO e VALUES ('[1,2)', '[2,3)', 1) ON CONFLICT (k, v) DO UPDATE SET k = '[3,4)' RETURNING *;
INSERT INTO e VALUES ('[1,2)', '[2,3)', 2) ON CONFLICT (k, v) DO UPDATE SET k = '[3,4)' RETURNING *;
INSERT INTO e VALUES ('[1,2)', '[2,3)', 2) ON CONFLICT ON CONSTRAINT e_k_r_excl DO UPDATE SET k = '[3,4)' RETURNING *;
SELECT * FROM e;
-- two rows in the way, each by another index
CREATE TABLE d (k int, id int, a int, b int, t text DEFAULT '');
CREATE UNIQUE INDEX ON d (k, id) WHERE a > 0;
CREATE UNIQUE INDEX ON d (k, id) WHERE b > 0;
-- distribute: SELECT create_distributed_table('d', 'k')
INSERT INTO d SELECT i, i, i % 2, 1 - i % 2 FROM generate_series(1, 20) i;
INSERT INTO d SELECT i, i, 1 - i % 2, i % 2 FROM generate_series(1, 10) i;
INSERT INTO d VALUES (1, 1, 1, 1) ON CONFLICT (k, id) WHERE a > 0 AND b > 0 DO UPDATE SET k = d.k + 100 RETURNING *;
INSERT INTO d VALUES (1, 1, 1, 1) ON CONFLICT (k, id) WHERE a > 0 AND b > 0 DO UPDATE SET k = d.k + 200 RETURNING *;
INSERT INTO d VALUES (1, 1, 1, 1) ON CONFLICT (k, id) WHERE a > 0 AND b > 0 DO UPDATE SET k = d.k + 300 RETURNING *;
INSERT INTO d VALUES (2, 2, 1, 1), (3, 3, 1, 0), (4, 4, 0, 1), (5, 5, 0, 0), (6, 6, NULL, 1) ON CONFLICT (k, id) WHERE a > 0 AND b > 0 DO UPDATE SET k = d.k + 100, t = 'moved' RETURNING *;
INSERT INTO d VALUES (7, 7, 1, 1) ON CONFLICT (k, id) WHERE a > 0 AND b > 0 DO UPDATE SET k = d.k + 100 WHERE d.b > 0 RETURNING *;
INSERT INTO d VALUES (7, 7, 1, 1) ON CONFLICT (k, id) WHERE a > 0 AND b > 0 DO UPDATE SET k = d.k + 100 WHERE d.a > 0 RETURNING *;
INSERT INTO d VALUES (15, 15, 1, 1), (16, 16, 1, 1) ON CONFLICT (k, id) WHERE a > 0 AND b > 0 DO UPDATE SET k = d.k + 100 WHERE d.a > (SELECT min(b) FROM other) - 1 RETURNING *;
INSERT INTO d VALUES (30, 30, 1, 0), (30, 30, 1, 1) ON CONFLICT (k, id) WHERE a > 0 AND b > 0 DO UPDATE SET k = d.k + 100;
INSERT INTO d VALUES (8, 8, 1, 1), (8, 8, 1, 1), (8, 8, 1, 1) ON CONFLICT (k, id) WHERE a > 0 AND b > 0 DO UPDATE SET k = d.k + 100;
SELECT * FROM d;
CREATE FUNCTION told() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.t := NEW.t || tg_op; RETURN NEW; END $$;
CREATE TRIGGER told BEFORE INSERT OR UPDATE ON d FOR EACH ROW EXECUTE FUNCTION told();
INSERT INTO d VALUES (9, 9, 1, 1, ''), (31, 31, 1, 1, '') ON CONFLICT (k, id) WHERE a > 0 AND b > 0 DO UPDATE SET t = excluded.t || d.t RETURNING *;
INSERT INTO d VALUES (9, 9, 1, 1, '') ON CONFLICT (k, id) WHERE a > 0 AND b > 0 DO UPDATE SET k = 500 RETURNING *;
INSERT INTO d VALUES (9, 9, 1, 1, '') ON CONFLICT (k, id) WHERE a > 0 AND b > 0 DO UPDATE SET k = 500 RETURNING *;
SELECT * FROM d;
PREPARE none(int) AS INSERT INTO c VALUES ($1, $1, $1 + 1) ON CONFLICT ON CONSTRAINT c_k_id_excl DO NOTHING;
EXECUTE none(3);
EXECUTE none(103);
ALTER TABLE c RENAME CONSTRAINT c_k_id_excl TO "Another name, which is so long that it is cut where a shard has it";
EXECUTE none(4);
INSERT INTO c SELECT i, i, i FROM generate_series(5, 25) i ON CONFLICT ON CONSTRAINT "Another name, which is so long that it is cut where a shard has it" DO NOTHING RETURNING *;
INSERT INTO c SELECT k, id, v + 40 FROM c ON CONFLICT ON CONSTRAINT "Another name, which is so long that it is cut where a shard has it" DO NOTHING;
SELECT * FROM c;
