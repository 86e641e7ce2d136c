-- Small data that every query finds rows in.  pick() is a number from 0 to n - 1 that only its argument decides.
CREATE FUNCTION pick(what text, n int) RETURNS int LANGUAGE sql IMMUTABLE
    AS $$ SELECT (('x' || substr(md5(what), 1, 7))::bit(28)::int % n) $$;
INSERT INTO region SELECT i, (ARRAY['AFRICA', 'AMERICA', 'ASIA', 'EUROPE', 'MIDDLE EAST'])[i + 1], 'region ' || i FROM generate_series(0, 4) i;
INSERT INTO nation SELECT i, (ARRAY['ALGERIA', 'ARGENTINA', 'BRAZIL', 'CANADA', 'EGYPT', 'ETHIOPIA', 'FRANCE', 'GERMANY', 'INDIA', 'INDONESIA',
        'IRAN', 'IRAQ', 'JAPAN', 'JORDAN', 'KENYA', 'MOROCCO', 'MOZAMBIQUE', 'PERU', 'CHINA', 'ROMANIA', 'SAUDI ARABIA', 'VIETNAM', 'RUSSIA',
        'UNITED KINGDOM', 'UNITED STATES'])[i + 1],
        (ARRAY[0, 1, 1, 1, 4, 0, 3, 3, 2, 2, 4, 4, 2, 4, 0, 0, 0, 1, 2, 3, 4, 2, 3, 3, 1])[i + 1], 'nation ' || i FROM generate_series(0, 24) i;
INSERT INTO supplier SELECT i, 'Supplier#' || lpad(i::text, 9, '0'), 'street ' || pick('sa' || i, 100), (i * 7) % 25,
        (10 + (i * 7) % 25) || '-' || 100 + pick('sp' || i, 900) || '-555-0101', pick('sb' || i, 1100000) / 100.0 - 1000,
        CASE WHEN i % 9 = 0 THEN 'quick Customer slow Complaints' ELSE 'fine deposits ' || i END
    FROM generate_series(1, 50) i;
INSERT INTO part SELECT i, (ARRAY['forest', 'green', 'almond', 'khaki', 'lemon'])[1 + pick('pn' || i, 5)] || ' ' ||
        (ARRAY['green', 'blush', 'navy', 'plum'])[1 + pick('pm' || i, 4)] || ' ' || i, 'Manufacturer#' || 1 + i % 5, 'Brand#' || 1 + i % 5 || 1 + pick('pb' || i, 3),
        (ARRAY['STANDARD', 'ECONOMY', 'PROMO'])[1 + pick('pt' || i, 3)] || ' ' || (ARRAY['ANODIZED', 'BURNISHED', 'POLISHED'])[1 + pick('pu' || i, 3)]
            || ' ' || (ARRAY['STEEL', 'BRASS'])[1 + pick('pv' || i, 2)],
        1 + pick('ps' || i, 16), (ARRAY['SM CASE', 'MED BAG', 'MED BOX', 'LG CASE', 'JUMBO PKG'])[1 + pick('pc' || i, 5)], 900 + i / 10.0, 'part ' || i
    FROM generate_series(1, 200) i;
INSERT INTO partsupp SELECT p, (p + s * 13) % 50 + 1, 1 + pick('pa' || p || '/' || s, 9999), 1 + pick('px' || p || '/' || s, 99900) / 100.0, 'ps'
    FROM generate_series(1, 200) p, generate_series(0, 3) s;
INSERT INTO customer SELECT i, 'Customer#' || lpad(i::text, 9, '0'), 'road ' || i, pick('cn' || i, 25), (10 + pick('cp' || i, 25)) || '-555-' || i,
        pick('cb' || i, 1100000) / 100.0 - 1000, (ARRAY['AUTOMOBILE', 'BUILDING', 'FURNITURE', 'HOUSEHOLD', 'MACHINERY'])[1 + i % 5], 'customer ' || i
    FROM generate_series(1, 150) i;
INSERT INTO orders SELECT i, 1 + pick('oc' || i, 100), (ARRAY['O', 'F', 'P'])[1 + pick('os' || i, 3)], 1000 + pick('op' || i, 400000) / 1.0,
        DATE '1992-01-01' + pick('od' || i, 2400), (ARRAY['1-URGENT', '2-HIGH', '3-MEDIUM', '4-NOT SPECIFIED', '5-LOW'])[1 + pick('oo' || i, 5)],
        'Clerk#' || pick('ok' || i, 10), 0, CASE WHEN i % 10 = 0 THEN 'some special packages requests' ELSE 'order ' || i END
    FROM generate_series(1, 800) i;
INSERT INTO lineitem SELECT o_orderkey, p, (p + pick('ls' || o_orderkey || '/' || n, 4) * 13) % 50 + 1, n, q, q * (900 + p / 10.0), pick('ld' || o_orderkey || '/' || n, 11) / 100.0,
        pick('lt' || o_orderkey || '/' || n, 9) / 100.0, (ARRAY['R', 'A', 'N'])[1 + pick('lr' || o_orderkey || '/' || n, 3)],
        (ARRAY['O', 'F'])[1 + pick('ll' || o_orderkey || '/' || n, 2)], o_orderdate + 1 + pick('l1' || o_orderkey || '/' || n, 121),
        o_orderdate + 30 + pick('l2' || o_orderkey || '/' || n, 61), o_orderdate + 10 + pick('l3' || o_orderkey || '/' || n, 150),
        (ARRAY['DELIVER IN PERSON', 'COLLECT COD', 'NONE', 'TAKE BACK RETURN'])[1 + pick('li' || o_orderkey || '/' || n, 4)],
        (ARRAY['AIR', 'AIR REG', 'MAIL', 'SHIP', 'TRUCK', 'RAIL', 'FOB'])[1 + pick('lm' || o_orderkey || '/' || n, 7)], 'line'
    FROM (SELECT *, 1 + pick('lp' || o_orderkey || '/' || n, 200) AS p,
                 CASE WHEN o_orderkey % 50 = 0 THEN 50 ELSE 1 + pick('lq' || o_orderkey || '/' || n, 50) END AS q
          FROM orders, generate_series(1, 7) n WHERE n <= 1 + pick('lc' || o_orderkey, 7) OR o_orderkey % 50 = 0) s;
SELECT count(*) FROM lineitem;
ANALYZE region, nation, supplier, part, partsupp, customer, orders, lineitem;
