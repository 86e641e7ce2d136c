-- The tables of the random tests, on a plain server and on a cluster.  Names and columns are known to
-- RandomSelect.pm and RandomWrite.pm.  A statement after "distribute:" is for the cluster only.
CREATE TABLE d1 (k int, a int, b int, t text, n numeric(12, 3));
CREATE TABLE d2 (k int, a int, b int, t text, n numeric(12, 3));
CREATE TABLE d3 (k int, a int, b int, t text, n numeric(12, 3));
CREATE TABLE dt (k int, a int, b int, t text, n numeric(12, 3));
CREATE TABLE dp (k int, a int, b int, t text, n numeric(12, 3)) PARTITION BY RANGE (k);
CREATE TABLE dp_low PARTITION OF dp FOR VALUES FROM (MINVALUE) TO (6);
CREATE TABLE dp_high PARTITION OF dp FOR VALUES FROM (6) TO (MAXVALUE);
CREATE TABLE s1 (k int, a int, b int, t text, n numeric(12, 3));
CREATE TABLE r (k int, a int, b int, t text, n numeric(12, 3));
CREATE TABLE l (k int, a int, b int, t text, n numeric(12, 3));
-- With keys, for ON CONFLICT and for constraints that fail.
CREATE TABLE u1 (k int PRIMARY KEY, a int CHECK (a < 90), b int DEFAULT 2, t text, n numeric(12, 3));
CREATE TABLE u2 (k int, a int, b int DEFAULT 1, t text DEFAULT 'none', n numeric(12, 3), g int GENERATED ALWAYS AS (coalesce(b, 0) * 2) STORED, PRIMARY KEY (k, a));
CREATE TABLE ur (k int PRIMARY KEY, a int, b int DEFAULT 3, t text, n numeric(12, 3));
CREATE TABLE c1 (k int REFERENCES u1 ON DELETE CASCADE, a int, b int, t text, n numeric(12, 3));
-- distribute: SELECT create_distributed_table('d1', 'k', shard_count => 4)
-- distribute: SELECT create_distributed_table('d2', 'k', colocate_with => 'd1')
-- distribute: SELECT create_distributed_table('d3', 'k', shard_count => 3)
-- distribute: SELECT create_distributed_table('dt', 't', shard_count => 4)
-- distribute: SELECT create_distributed_table('dp', 'k', colocate_with => 'd1')
-- distribute: SELECT create_distributed_table('s1', NULL)
-- distribute: SELECT create_reference_table('r')
-- distribute: SELECT create_distributed_table('u1', 'k', colocate_with => 'd1')
-- distribute: SELECT create_distributed_table('u2', 'k', colocate_with => 'd1')
-- distribute: SELECT create_reference_table('ur')
-- distribute: SELECT create_distributed_table('c1', 'k', colocate_with => 'd1')
CREATE VIEW v1 AS SELECT * FROM d1 WHERE k < 9;
CREATE VIEW v2 AS SELECT k, max(a) AS a, min(b) AS b, string_agg(t, '' ORDER BY t) AS t, sum(n) AS n FROM d2 GROUP BY k;
