INSERT INTO sections
SELECT section, initcap(split_part(section, '/', -1)) FROM packages WHERE section IS NOT NULL
GROUP BY section ON CONFLICT DO NOTHING;
ANALYZE packages, dependencies, files, sections;
SELECT (SELECT count(*) FROM packages) AS packages, (SELECT count(*) FROM dependencies) AS dependencies,
       (SELECT count(*) FROM files) AS files, (SELECT count(*) FROM sections) AS sections;
