-- Columns of the system in RETURNING of changes that depend on volatile values.
-- only: distributed single
CREATE TABLE up (a int PRIMARY KEY, b text);
-- distribute: SELECT create_distributed_table('up', 'a')
INSERT INTO up VALUES (1, 'foo'), (2, 'bar'), (5, 'y');
UPDATE up SET b = b || b WHERE random() < 2 RETURNING up, tableoid::regclass, xmax = 0;
DELETE FROM up WHERE random() < 2 RETURNING up, tableoid::regclass, xmax IS NULL AS x;
DROP TABLE up;
