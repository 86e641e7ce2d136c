# Sourced by the test scripts: where things are, and how servers are run as an ordinary user.
# shellcheck shell=bash

umask 022
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck disable=SC2034 # used by those that source this
lib=$top/test/lib
export PG_CONFIG=${PG_CONFIG:-pg_config}

pg_major() { "$PG_CONFIG" --version | sed -E 's/^PostgreSQL ([0-9]+).*/\1/'; }

# PostgreSQL refuses to run as root; root's tests run their servers as this user.
server_user=citustest

ensure_server_user() {
    [ "$(id -u)" = 0 ] || return 0
    id "$server_user" >/dev/null 2>&1 ||
        useradd --system --no-create-home --home-dir / --shell /bin/sh "$server_user"
}

# as_server COMMAND...: run it as the user that owns the servers, outside our own directory, which
# that user may not be allowed to enter.
as_server() {
    if [ "$(id -u)" = 0 ]; then
        (cd / && exec runuser -u "$server_user" -- "$@")
    else
        (cd / && exec "$@")
    fi
}

# Files of a run: outside the checkout, which an ordinary user may not be able to read.
scratch_root() {
    local sum
    sum=$(printf %s "$top" | cksum | cut -d' ' -f1)
    echo "${CITUS_SCRATCH:-${TMPDIR:-/tmp}/citus-test-$(id -u)-$sum}"
}

# Ports that are given out, a directory each.
port_marks() { echo "${TMPDIR:-/tmp}/citus-test-ports-$(id -u)"; }

# free_ports N: N free TCP ports below the range from which the kernel hands out its own.  A port that
# another call has given out is not given again before release_ports, or ten minutes.
free_ports() {
    mkdir -p "$(port_marks)"
    perl -MIO::Socket::INET -e '
        my ($n, $marks, @held) = @ARGV;
        for (my $tries = 0; @held < $n && $tries < 10000; $tries++) {
            my $port = 10000 + int(rand(22000));
            my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => $port,
                                          Proto => "tcp", Listen => 1) or next;
            my $mark = "$marks/$port";
            rmdir $mark if time - ((stat $mark)[9] // time) > 600;
            mkdir $mark or next;
            push @held, $s;
            print $port, "\n";
        }' "$1" "$(port_marks)"
}

release_ports() {       # PORT...
    local port
    for port; do rmdir "$(port_marks)/$port" 2>/dev/null || true; done
}
