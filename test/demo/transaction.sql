BEGIN;
INSERT INTO packages (package, version, section, size)
VALUES ('demo-one', '1', 'misc', 1), ('demo-two', '1', 'misc', 2), ('demo-three', '1', 'misc', 3);
SAVEPOINT before_the_mistake;
DELETE FROM packages WHERE section = 'misc';
SELECT count(*) FROM packages WHERE package LIKE 'demo-%';
ROLLBACK TO SAVEPOINT before_the_mistake;
UPDATE packages SET size = size * 10 WHERE package LIKE 'demo-%' RETURNING package, size;
COMMIT;
SELECT package, size FROM packages WHERE package LIKE 'demo-%' ORDER BY 1;
BEGIN;
DELETE FROM packages WHERE package LIKE 'demo-%';
ROLLBACK;
SELECT count(*) AS still_there FROM packages WHERE package LIKE 'demo-%';
