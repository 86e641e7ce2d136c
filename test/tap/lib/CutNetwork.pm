# CutNetwork.pm: a second network, and a line to it that can be cut, so that packets vanish without
# a word; for tests as an ordinary user, in namespaces of their own.
#
#     use CutNetwork;                    # first of all: the test starts anew inside
#     my $line = CutNetwork->new;
#     $line->start_beyond($node);        # a stopped PostgreSQL::Test::Cluster node
#     $line->settle; $line->cut; $line->mend;
#
# The near end is $CutNetwork::near, the far end $CutNetwork::far.  Unix sockets work across.
package CutNetwork;
use strict;
use warnings;
use Test::More;
use Time::HiRes qw(sleep);

our ($near, $far) = ('10.99.0.1', '10.99.0.2');

sub import {
    return if $ENV{CITUS_TEST_NETWORK};
    $ENV{PATH} .= ':/usr/sbin:/sbin';
    my @inside = qw(unshare --user --map-current-user --keep-caps --net);
    plan skip_all => 'no namespaces here'
        if system("@inside sh -c 'ip link set lo up && unshare --net true' >/dev/null 2>&1");
    $ENV{CITUS_TEST_NETWORK} = 1;
    exec @inside, $^X, $0, @ARGV or die "unshare: $!";
}

sub run { system(@_) == 0 or die "@_ failed" }

sub new {
    my ($class) = @_;
    run(qw(ip link set lo up));
    my $pid = fork // die "fork: $!";
    exec qw(unshare --net sleep 600) if !$pid;
    my $own = readlink '/proc/self/ns/net';
    for (1 .. 500) { last if (readlink("/proc/$pid/ns/net") // $own) ne $own; sleep 0.01 }
    my $self = bless { pid => $pid, test => $$ }, $class;
    run(qw(ip link add near type veth peer name far netns), $pid);
    run(qw(ip addr add), "$near/24", qw(dev near));
    run(qw(ip link set near up));
    $self->beyond(qw(ip link set lo up));
    $self->beyond(qw(ip addr add), "$far/24", qw(dev far));
    $self->beyond(qw(ip link set far up));
    # connecting over a line that is cut is not answered either
    my ($address) = `nsenter -t $pid -n ip -o link show dev far` =~ m{link/ether (\S+)};
    run('ip', 'neigh', 'replace', $far, 'lladdr', $address, qw(dev near nud permanent));
    return $self;
}

sub beyond { my ($self, @command) = @_; run('nsenter', '-t', $self->{pid}, '-n', @command) }

sub start_beyond {
    my ($self, $node) = @_;
    my @command = ('pg_ctl', '-w', '-s', '-D', $node->data_dir, '-l', $node->logfile, 'start');
    local $ENV{PGAPPNAME};
    delete $ENV{PGAPPNAME};
    $self->beyond(@command);
    $node->_update_pid(1);
}

# Until both ends have acknowledged what they were sent: what is under way when the line is cut is
# sent again and again for minutes.
sub settle {
    my ($self) = @_;
    for (1 .. 1000) {
        my $waiting = 0;
        for my $pid ($self->{pid}, $$) {
            open my $sockets, '<', "/proc/$pid/net/tcp" or die "/proc/$pid/net/tcp: $!";
            # the state (01: established), then bytes that wait for an acknowledgement
            $waiting += grep { / 01 (?!00000000:)/ } <$sockets>;
        }
        return if !$waiting;
        sleep 0.01;
    }
    die 'data is still not acknowledged';
}

sub cut { $_[0]->beyond(qw(ip link set far down)) }
sub mend { $_[0]->beyond(qw(ip link set far up)) }

sub DESTROY { my ($self) = @_; kill KILL => $self->{pid} if $self->{test} == $$ }

1;
