# Relay.pm: a relay in front of a server that loses or holds what a statement says, or its answer.
#
#     my $relay = Relay->new($port_of_server);      # listens on $relay->port
#     $relay->when('COMMIT PREPARED', 'lose_answer');
#     $relay->wait_for('lose_answer');              # it has happened
#     $relay->go_on;                                # what was held goes on; no more rules
#
# The rule holds for the next message of a client that contains the text:
#     hold_request    the server gets it, and what follows, when all goes on
#     lose_request    the server does not get it, both connections end
#     lose_answer     the server has answered, the client does not get it, both connections end
#     hold_answer     the client gets the answer, and what follows, when all goes on
#     hold_all        the same, and nobody who connects from then on is heard
# One rule at a time.  Connections must not be encrypted.
package Relay;
use strict;
use warnings;
use IO::Handle;
use IO::Select;
use IO::Socket::INET;
use Socket;

sub new {
    my ($class, $server_port) = @_;
    my $listener = IO::Socket::INET->new(Listen => 50, LocalAddr => '127.0.0.1') or die "relay: $!";
    socketpair(my $ours, my $theirs, AF_UNIX, SOCK_STREAM, PF_UNSPEC) or die "relay: $!";
    $_->autoflush(1) for $ours, $theirs;
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        close $ours;
        eval { serve($listener, $theirs, $server_port) };
        print STDERR $@ if $@;
        require POSIX;
        POSIX::_exit(0);
    }
    close $theirs;
    return bless { port => $listener->sockport, pid => $pid, control => $ours, test => $$ }, $class;
}

sub port { $_[0]{port} }

sub tell_child {
    my ($self, $line) = @_;
    print { $self->{control} } "$line\n";
    my $answer = readline $self->{control};
    die "relay has died" unless defined $answer && $answer =~ /^ok (\d+)$/;
    $self->{answer} = $1;
}

sub when { my ($self, $text, $action) = @_; $self->tell_child("$action $text") }
sub go_on { $_[0]->tell_child('go_on') }

# How many connections there have been.
sub connections { my ($self) = @_; $self->tell_child('count'); return $self->{answer} }

sub wait_for {
    my ($self, $action) = @_;
    local $SIG{ALRM} = sub { die "the relay waits in vain to $action" };
    alarm 30;
    my $answer = readline $self->{control};
    alarm 0;
    die "relay: expected $action" unless defined $answer && $answer eq "done $action\n";
}

sub DESTROY { my ($self) = @_; kill KILL => $self->{pid} if $self->{test} == $$ }

# ---- the relay itself

my ($rule, $text, $deaf);

sub end_pair {
    my ($select, $pair) = @_;
    $pair->{ended} = 1;
    for my $socket (@$pair{qw(client server)}) { $select->remove($socket); close $socket }
}

sub from_client {
    my ($select, $control, $pair, $data) = @_;
    if (defined $pair->{unsent}) {
        $pair->{unsent} .= $data;
        return;
    }
    if ($rule && index($data, $text) >= 0) {
        my $action = $rule;
        $rule = undef;
        if ($action eq 'lose_request') {
            end_pair($select, $pair);
            print $control "done $action\n";
            return;
        }
        if ($action eq 'hold_request') {
            $pair->{unsent} = $data;
            print $control "done $action\n";
            return;
        }
        $deaf = 1 if $action eq 'hold_all';
        $pair->{action} = $action;
    }
    syswrite $pair->{server}, $data;
}

sub from_server {
    my ($select, $control, $pair, $data) = @_;
    my $action = $pair->{action};
    if (!$action) {
        syswrite $pair->{client}, $data;
        return;
    }
    end_pair($select, $pair) if $action eq 'lose_answer';
    print $control "done $action\n" unless defined $pair->{held};
    $pair->{held} .= $data;
}

sub serve {
    my ($listener, $control, $server_port) = @_;
    my $select = IO::Select->new($listener, $control);
    my %pairs;      # by file number
    my ($rest, $connections) = ('', 0);

    $SIG{PIPE} = 'IGNORE';
    while (1) {
        for my $socket ($select->can_read) {
            if ($socket == $listener) {
                my $client = $listener->accept or next;
                $connections++;
                next if $deaf && push @{ $pairs{deaf} }, $client;
                my $server = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $server_port)
                    or next;
                setsockopt($_, Socket::IPPROTO_TCP, Socket::TCP_NODELAY, 1) for $client, $server;
                my $pair = { client => $client, server => $server };
                $pairs{ fileno $client } = $pairs{ fileno $server } = $pair;
                $select->add($client, $server);
                next;
            }
            if ($socket == $control) {
                sysread($control, $rest, 1000, length $rest) or return;
                while ($rest =~ s/^(.*)\n//) {
                    my ($command, $rest_of_line) = split / /, $1, 2;
                    ($rule, $text) = ($command, $rest_of_line) if defined $rest_of_line;
                    if ($command eq 'go_on') {
                        ($rule, $deaf) = ();
                        delete $pairs{deaf};
                        for my $pair (values %pairs) {
                            next if $pair->{ended};
                            syswrite $pair->{client}, $pair->{held} if defined $pair->{held};
                            syswrite $pair->{server}, $pair->{unsent} if defined $pair->{unsent};
                            delete @$pair{qw(held unsent action)};
                        }
                    }
                    print $control "ok $connections\n";
                }
                next;
            }
            my $pair = $pairs{ fileno($socket) // -1 } or next;
            next if $pair->{ended};
            my $data;
            if (!sysread $socket, $data, 65536) { end_pair($select, $pair) }
            elsif ($socket == $pair->{client}) { from_client($select, $control, $pair, $data) }
            else { from_server($select, $control, $pair, $data) }
        }
    }
}

1;
