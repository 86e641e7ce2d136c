-- INSERT .. SELECT per shard stores rows many at a time: what a row has to keep is kept, and errors undo all.
CREATE TABLE source (k int PRIMARY KEY, gone text, v int, s text);
CREATE TABLE kinds (id int PRIMARY KEY);
CREATE DOMAIN small_number AS int CHECK (VALUE < 100000);
CREATE TABLE target (k int, gone int, v small_number, s text NOT NULL, double int GENERATED ALWAYS AS (v * 2) STORED,
    PRIMARY KEY (k), CHECK (v <> -1), UNIQUE (k, v) DEFERRABLE);
CREATE TABLE children (k int, kind int, s text, EXCLUDE USING btree (k WITH =, kind WITH =));
CREATE INDEX ON target (k, upper(s)) WHERE v > 50;
CREATE TABLE wide (k int, s text, t text);
CREATE TABLE p (k int, d int, s text) PARTITION BY RANGE (d);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (100);
CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (100) TO (1000000);
-- distribute: SELECT create_distributed_table('source', 'k')
-- distribute: SELECT create_reference_table('kinds')
-- distribute: SELECT create_distributed_table('target', 'k')
-- distribute: SELECT create_distributed_table('children', 'k')
-- distribute: SELECT create_distributed_table('wide', 'k')
-- distribute: SELECT create_distributed_table('p', 'k')
ALTER TABLE children ADD FOREIGN KEY (k) REFERENCES target (k) DEFERRABLE;
ALTER TABLE children ADD FOREIGN KEY (kind) REFERENCES kinds (id);
INSERT INTO kinds SELECT generate_series(0, 6);
INSERT INTO source SELECT i, 'x', i % 100, 's' || i % 9 FROM generate_series(1, 9000) i;
ANALYZE source;
-- columns that came and went
ALTER TABLE source DROP COLUMN gone;
ALTER TABLE source ADD COLUMN late int DEFAULT 7;
ALTER TABLE target DROP COLUMN gone;
ALTER TABLE target ADD COLUMN late int NOT NULL DEFAULT 8;
INSERT INTO target (k, v, s) SELECT k, v, s FROM source WHERE k <= 5000;
INSERT INTO target (k, v, s, late) SELECT k, v, s, late FROM source WHERE k BETWEEN 5001 AND 7000;
SELECT count(*), sum(v), sum(double), sum(late), min(s), max(s), count(DISTINCT k) FROM target;
SELECT * FROM target WHERE k IN (1, 5001, 7000, 7001);
SELECT count(*) FROM target WHERE v > 50 AND upper(s) = 'S3' AND k < 900;
-- rows that must not be there, among many that may
INSERT INTO target (k, v, s) SELECT k, v, s FROM source WHERE k >= 7000;
INSERT INTO target (k, v, s) SELECT k, CASE WHEN k = 8999 THEN -1 ELSE v END, s FROM source WHERE k > 7000;
INSERT INTO target (k, v, s) SELECT k, v, CASE WHEN k <> 8999 THEN s END FROM source WHERE k > 7000;
INSERT INTO target (k, v, s) SELECT k, v * 2000, s FROM source WHERE k > 7000;
INSERT INTO target (k, v, s) SELECT k, CASE WHEN k = 8999 THEN v / (k - 8999) ELSE v END, s FROM source WHERE k > 7000;
SELECT count(*), sum(v) FROM target;
-- keys of others
INSERT INTO children SELECT k, v % 7, s FROM source WHERE k < 6500;
INSERT INTO children SELECT k, v % 8, s FROM source WHERE k BETWEEN 6500 AND 7000;
INSERT INTO children SELECT k, 1, s FROM source WHERE k > 6900;
INSERT INTO children SELECT k, v % 7, s FROM source WHERE k BETWEEN 6490 AND 6700;
SELECT count(*), sum(k), sum(kind) FROM children;
BEGIN;
SET CONSTRAINTS ALL DEFERRED;
INSERT INTO children SELECT k, 1, s FROM source WHERE k > 7000;
INSERT INTO target (k, v, s) SELECT k, v, s FROM source WHERE k > 7000;
COMMIT;
SELECT count(*), sum(k), sum(kind) FROM children;
BEGIN;
SET CONSTRAINTS ALL DEFERRED;
INSERT INTO children SELECT k + 100000, 1, s FROM source;
COMMIT;
SELECT count(*), sum(k), sum(kind) FROM children;
-- long rows, and those from the table itself
INSERT INTO wide SELECT k, s, repeat(md5(k::text), k % 3000) FROM source WHERE k < 3000;
INSERT INTO wide SELECT k, s, t FROM wide;
SELECT count(*), sum(length(t)), count(DISTINCT md5(t)) FROM wide;
BEGIN;
SAVEPOINT a;
INSERT INTO wide SELECT k, 'undone', NULL FROM source;
ROLLBACK TO a;
INSERT INTO wide SELECT k, 'kept', NULL FROM source;
SELECT count(*) FROM wide WHERE s = 'undone';
COMMIT;
SELECT s, count(*), sum(k) FROM wide GROUP BY s;
-- partitions
INSERT INTO p SELECT k, v * 3, s FROM source;
INSERT INTO p1 SELECT k, v, s FROM source;
INSERT INTO p1 SELECT k, v * 3, s FROM source;
SELECT tableoid::regclass, count(*), sum(k), sum(d) FROM p GROUP BY 1;
-- nothing, few rows, a constraint that came later
INSERT INTO wide SELECT k, s FROM source WHERE k < 0;
INSERT INTO wide VALUES (1, 'v'), (2, 'v'), (3, 'v'), (1, 'v'), (4, NULL);
SELECT count(*), sum(k) FROM wide WHERE s = 'v';
PREPARE again(int) AS INSERT INTO wide SELECT k, 'prepared' FROM source WHERE v < $1;
EXECUTE again(5);
EXECUTE again(3);
ALTER TABLE wide ADD CONSTRAINT short CHECK (k < 9000) NOT VALID;
EXECUTE again(2);
EXECUTE again(1);
SELECT count(*), sum(k) FROM wide WHERE s = 'prepared';
-- worker
INSERT INTO wide SELECT k, 'worker', s FROM source WHERE k < 9000;
INSERT INTO target (k, v, s) SELECT k + 9000, v, s FROM source;
INSERT INTO target (k, v, s) SELECT k + 9000, v, s FROM source;
SELECT count(*), sum(double) FROM target;
