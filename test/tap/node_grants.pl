# Rights that were given while a node was away are there when it is back, also those on objects that
# it has had from the start: the schema public, the database.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use CitusCluster;
use Test::More;

my $c = CitusCluster->new(workers => 2);
my $w2 = $c->port('worker2');
my $rights = q{
    SELECT kind, name, (SELECT string_agg(item::text, ',' ORDER BY item::text) FROM unnest(acl) item)
    FROM (SELECT 'schema', nspname, nspacl FROM pg_namespace WHERE nspname IN ('public', 's')
    UNION ALL SELECT 'function', proname, proacl FROM pg_proc WHERE pronamespace = 's'::regnamespace
    UNION ALL SELECT 'type', typname, typacl FROM pg_type WHERE typname IN ('ty', 'dom')
    UNION ALL SELECT 'relation', relname, relacl FROM pg_class
        WHERE relnamespace = 's'::regnamespace AND relkind IN ('r', 'v', 'S') AND relname !~ '\d$'
    UNION ALL SELECT 'column', attname, attacl FROM pg_attribute
        WHERE attrelid = 's.t'::regclass AND attacl IS NOT NULL
    UNION ALL SELECT 'database', datname, datacl FROM pg_database WHERE datname = current_database()
    ) AS granted (kind, name, acl) ORDER BY 1, 2};

$c->sql("SELECT citus_set_node_property('localhost', $w2, 'shouldhaveshards', false)");
$c->sql(q{
    SET client_min_messages TO warning;
    CREATE ROLE r1;
    CREATE ROLE r2;
    CREATE SCHEMA s;
    CREATE FUNCTION s.f(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1';
    CREATE TYPE s.ty AS ENUM ('a', 'b');
    CREATE DOMAIN s.dom AS int;
    CREATE SEQUENCE s.sq;
    CREATE TABLE s.t (k int PRIMARY KEY, ty s.ty, d s.dom, n int DEFAULT nextval('s.sq'), u int);
    SELECT create_distributed_table('s.t', 'k');
    CREATE VIEW s.v AS SELECT * FROM s.t});
$c->sql("SELECT citus_remove_node('localhost', $w2)");
$c->sql(q{
    GRANT CREATE ON SCHEMA public TO r1;
    REVOKE USAGE ON SCHEMA public FROM public;
    GRANT USAGE ON SCHEMA public TO r2 WITH GRANT OPTION;
    GRANT USAGE ON SCHEMA s TO r1;
    REVOKE EXECUTE ON FUNCTION s.f(int) FROM public;
    GRANT EXECUTE ON FUNCTION s.f(int) TO r1;
    REVOKE USAGE ON TYPE s.ty FROM public;
    GRANT USAGE ON TYPE s.ty TO r1;
    GRANT USAGE ON DOMAIN s.dom TO r1;
    GRANT USAGE ON SEQUENCE s.sq TO r1;
    GRANT SELECT (k, u), UPDATE (u) ON s.t TO r1;
    GRANT INSERT ON s.t TO r2;
    GRANT SELECT ON s.v TO r1;
    REVOKE TEMPORARY ON DATABASE citus FROM public;
    GRANT TEMPORARY ON DATABASE citus TO r1 WITH GRANT OPTION;
    SET citus.enable_create_role_propagation TO off;
    CREATE ROLE unheard_of;
    GRANT CREATE ON DATABASE citus TO unheard_of});
$c->sql("SELECT citus_add_node('localhost', $w2)");
is($c->sql_on('worker2', $rights), $c->sql($rights), 'a node that joins has all rights');
like($c->sql_on('worker2', $rights), qr/database\|citus\|.*unheard_of=C/, 'of all roles');
$c->check;
done_testing();
