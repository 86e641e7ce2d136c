# CitusCluster.pm: a coordinator and workers made with PostgreSQL::Test::Cluster, for tests that
# stop, kill and restart nodes.
#
#     my $c = CitusCluster->new(workers => 2, conf => "citus.x = 1\n", extension => 1, nodes => 1);
#     $c->sql('SELECT ...');                 # rows of the coordinator, dies on error
#     $c->sql_on('worker1', 'SELECT ...');
#     $c->fails('SELECT ...', qr/.../, 'name of the test');
#     $c->kill9('worker1'); $c->start('worker1');
#     my $k = $c->key_on('t', 'worker1');    # a key whose rows are there
#
# With relay => 'worker1' the cluster knows that node by the address of a relay ($c->relay) in front
# of it, and the nodes do not encrypt.
#     $c->check;                             # a test of its own: the cluster is consistent
package CitusCluster;
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Relay;
use Test::More;
use Time::HiRes qw(sleep);

my $clusters = 0;

sub new {
    my ($class, %opt) = @_;
    $opt{workers} //= 2;
    $opt{conninfo} //= $opt{relay} ? 'sslmode=disable' : 'sslmode=prefer';
    my $self = bless { opt => \%opt, nodes => {}, database => 'citus' }, $class;
    my $prefix = $clusters++ ? "c${clusters}_" : '';
    $self->add_server($_, "$prefix$_") for 'coordinator', map { "worker$_" } 1 .. $opt{workers};
    return $self if exists $opt{extension} && !$opt{extension};
    $self->sql_on($_, 'CREATE EXTENSION citus') for sort keys %{ $self->{nodes} };
    return $self if exists $opt{nodes} && !$opt{nodes};
    $self->sql("SELECT citus_set_coordinator_host('localhost', " . $self->port('coordinator') . ')');
    $self->add_node("worker$_") for 1 .. $opt{workers};
    return $self;
}

# A server with the library loaded and an empty database; not yet a member of the cluster.
sub add_server {
    my ($self, $name, $directory) = @_;
    my $node = PostgreSQL::Test::Cluster->new($directory // $name);
    $node->init(no_data_checksums => 1);
    $node->append_conf('postgresql.conf', <<"CONF");
listen_addresses = 'localhost'
shared_preload_libraries = 'citus'
max_connections = 100
max_prepared_transactions = 100
max_worker_processes = 24
max_wal_senders = 20
max_replication_slots = 20
wal_level = logical
fsync = off
jit = off
log_statement = none
log_line_prefix = '%m [%p] %q%a '
CONF
    $node->append_conf('postgresql.conf', "citus.node_conninfo = '$self->{opt}{conninfo}'\n")
        unless $self->{opt}{conninfo} eq 'default';
    $node->append_conf('postgresql.conf', $self->{opt}{conf}) if $self->{opt}{conf};
    $node->start;
    $node->safe_psql('postgres', "CREATE DATABASE $self->{database}");
    $self->{nodes}{$name} = $node;
    return $node;
}

sub add_node {
    my ($self, $name) = @_;
    my $host = 'localhost';
    if (($self->{opt}{relay} // '') eq $name) {
        $self->{relay} = Relay->new($self->port($name));
        $host = '127.0.0.1';
    }
    $self->sql("SELECT citus_add_node('$host', " . $self->known_port($name) . ')');
}

sub node { $_[0]{nodes}{ $_[1] } || die "no node $_[1]" }
sub port { $_[0]->node($_[1])->port }
sub names { sort keys %{ $_[0]{nodes} } }
sub relay { $_[0]{relay} || die 'no relay' }

# by which the other nodes know it
sub known_port {
    my ($self, $name) = @_;
    return $name eq ($self->{opt}{relay} // '') ? $self->relay->port : $self->port($name);
}

# The smallest integers from $from (1) on that are keys of a shard on the node: one, or $n of them.
sub key_on {
    my ($self, $table, $name, %opt) = @_;
    my ($from, $n) = ($opt{from} // 1, $opt{n} // 1);
    my @keys = split /\n/, $self->sql("SELECT k FROM generate_series($from, $from + 1999) k
        JOIN citus_shards s ON s.table_name = '$table'::regclass
            AND s.shardid = get_shard_id_for_distribution_column('$table', k)
        WHERE s.nodeport = " . $self->known_port($name) . " ORDER BY k LIMIT $n");
    die "$name has no keys of $table" if @keys < $n;
    return wantarray ? @keys : $keys[0];
}

sub sql { my ($self, @rest) = @_; return $self->sql_on('coordinator', @rest) }

sub sql_on {
    my ($self, $name, $sql) = @_;
    return $self->node($name)->safe_psql($self->{database}, $sql);
}

# (status, stdout, stderr) of a statement that may fail.
sub try_on {
    my ($self, $name, $sql) = @_;
    my ($out, $err) = ('', '');
    my $status = $self->node($name)->psql($self->{database}, $sql, stdout => \$out,
                                          stderr => \$err, on_error_stop => 1, timeout => 60);
    return ($status, $out, $err);
}

sub fails {
    my ($self, $sql, $pattern, $what) = @_;
    my ($status, undef, $err) = $self->try_on('coordinator', $sql);
    ok($status != 0 && $err =~ $pattern, $what) or diag("status $status: $err");
}

sub set {       # a server setting, on all nodes
    my ($self, $name, $value) = @_;
    for my $node ($self->names) {
        $self->sql_on($node, "ALTER SYSTEM SET $name = '$value'");
        $self->sql_on($node, 'SELECT pg_reload_conf()');
    }
}

sub start { my ($self, $name) = @_; $self->node($name)->start }
sub stop { my ($self, $name, $mode) = @_; $self->node($name)->stop($mode // 'fast') }
sub restart { my ($self, $name) = @_; $self->node($name)->restart }

# The postmaster and its children, all at once: nobody has time to say goodbye.
sub kill9 {
    my ($self, $name) = @_;
    my $node = $self->node($name);
    my $file = $node->data_dir . '/postmaster.pid';
    my ($pid) = slurp_file($file) =~ /^(\d+)/;
    my @children = grep { /^\d+$/ } split /\s+/, `pgrep -P $pid`;
    kill STOP => @children, $pid;       # or backends would see their postmaster die
    kill KILL => $pid, @children;
    for (1 .. 500) { last unless kill 0 => $pid, @children; sleep 0.01 }
    $node->{_pid} = undef;
}

# Wait until a query of a node answers 't'.
sub wait_until {
    my ($self, $name, $sql, $what) = @_;
    ok($self->node($name)->poll_query_until($self->{database}, $sql), $what);
}

# Whether a session, not the daemon, which writes to several nodes as well, comes to stand still at a
# stop point of a node.
sub stands_at {
    my ($self, $name, $point) = @_;
    return $self->node($name)->poll_query_until($self->{database}, "SELECT count(*) > 0 FROM pg_stat_activity
        WHERE wait_event = '$point' AND backend_type = 'client backend'");
}

# Whoever stands still there goes on: a call wakes one of them.
sub wake {
    my ($self, $name, $point) = @_;
    for (1 .. 600) {
        $self->node($name)->psql($self->{database}, "SELECT injection_points_wakeup('$point')");
        return if $self->sql_on($name, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = '$point'") eq '0';
        sleep 0.1;
    }
    die "$name still stands at $point";
}

sub check {
    my ($self, $what) = @_;
    is($self->sql('SELECT * FROM citus_internal.check_consistency()'), '',
       $what // 'the cluster is consistent');
}

1;
