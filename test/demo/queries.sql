-- by key: one shard
SELECT package, version, section, size FROM packages WHERE package = 'bash';
EXPLAIN (COSTS OFF) SELECT package, version, section, size FROM packages WHERE package = 'bash';

-- over all shards
SELECT count(*) AS packages, sum(size) AS bytes, avg(size)::bigint AS mean, max(size) FROM packages;

-- a join within the shards, and with the reference table
SELECT s.title, count(DISTINCT p.package) AS packages, count(*) AS files
FROM packages p JOIN files f USING (package) JOIN sections s USING (section)
GROUP BY s.title ORDER BY files DESC, 1 LIMIT 5;
EXPLAIN (COSTS OFF)
SELECT p.section, count(*) FROM packages p JOIN files f USING (package) GROUP BY 1 ORDER BY 2 DESC LIMIT 5;

-- a join off the key: who is needed most, and how large are they
SELECT d.needs, p.size, count(*) AS needed_by
FROM dependencies d JOIN packages p ON p.package = d.needs
GROUP BY 1, 2 ORDER BY 3 DESC, 1 LIMIT 5;

-- outer join: packages of this machine's index that nothing needs
SELECT count(*) FROM packages p LEFT JOIN dependencies d ON d.needs = p.package WHERE d.needs IS NULL;

-- a recursive query: everything that bash pulls in
WITH RECURSIVE closure(package) AS (
    SELECT 'bash'
    UNION
    SELECT d.needs FROM closure JOIN dependencies d USING (package)
)
SELECT count(*) AS packages, sum(size) AS bytes FROM closure JOIN packages USING (package);

-- grouping sets, a window function, a correlated subquery
SELECT section, left(package, 1) AS letter, count(*)
FROM packages WHERE section IN ('shells', 'games') AND package < 'c'
GROUP BY GROUPING SETS ((section), (section, left(package, 1)), ()) ORDER BY 1, 2;

SELECT section, package, size FROM (
    SELECT section, package, size, rank() OVER (PARTITION BY section ORDER BY size DESC, package) AS place
    FROM packages) ranked
WHERE place = 1 ORDER BY size DESC NULLS LAST, package LIMIT 5;

SELECT p.package, p.size FROM packages p
WHERE p.section = 'shells' AND p.size > (SELECT avg(size) FROM packages q WHERE q.section = p.section)
ORDER BY p.size DESC, 1 LIMIT 5;
