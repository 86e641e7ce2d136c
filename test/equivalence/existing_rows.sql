-- Tables that have rows, indexes, constraints, defaults, sequences and grants when they are distributed.
CREATE TABLE parent (k int PRIMARY KEY, name text NOT NULL DEFAULT 'p' CHECK (name <> ''));
CREATE TABLE child (k int REFERENCES parent, n serial, v numeric(5, 1) DEFAULT 1.5, at date, PRIMARY KEY (k, n));
CREATE TABLE ref (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, t text UNIQUE);
CREATE INDEX child_at ON child (at) WHERE v > 0;
COMMENT ON COLUMN parent.name IS 'the name';
INSERT INTO parent SELECT i, 'p' || i FROM generate_series(1, 100) i;
INSERT INTO child (k, v, at) SELECT i % 100 + 1, i % 10, DATE '2024-01-01' + i FROM generate_series(1, 500) i;
INSERT INTO ref (t) SELECT 'ref ' || i FROM generate_series(1, 20) i;
ALTER TABLE parent DROP COLUMN name;
ALTER TABLE parent ADD COLUMN label text DEFAULT 'label';
-- distribute: SELECT create_distributed_table('parent', 'k')
-- distribute: SELECT create_distributed_table('child', 'k', colocate_with => 'parent')
-- distribute: SELECT create_reference_table('ref')
SELECT count(*), sum(k) FROM parent;
SELECT count(*), sum(v), max(n), min(at) FROM child;
SELECT * FROM ref ORDER BY id;
SELECT * FROM parent WHERE k = 7;
SELECT * FROM child WHERE k = 7 ORDER BY n;
INSERT INTO child (k) VALUES (7) RETURNING v;
INSERT INTO child (k) VALUES (700);
INSERT INTO parent VALUES (7);
INSERT INTO ref (t) VALUES ('ref 1');
INSERT INTO ref (t) VALUES ('new');
INSERT INTO ref (id, t) VALUES (500, 'explicit');
SELECT count(*), count(DISTINCT id) FROM ref;
SELECT count(DISTINCT n) = count(*) FROM child;
SELECT p.k, count(*) FROM parent p JOIN child c USING (k) GROUP BY p.k;
DELETE FROM parent WHERE k = 7;
SELECT col_description('ref'::regclass, 1) IS NULL;
