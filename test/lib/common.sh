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

# free_ports N: N free TCP ports below the range from which the kernel hands out its own.
free_ports() {
    perl -MIO::Socket::INET -e '
        my ($n, @held) = (shift);
        for (my $tries = 0; @held < $n && $tries < 10000; $tries++) {
            my $port = 10000 + int(rand(22000));
            my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => $port,
                                          Proto => "tcp", Listen => 1) or next;
            push @held, $s;
            print $port, "\n";
        }' "$1"
}
