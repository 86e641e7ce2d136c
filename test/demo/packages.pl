# packages.pl DIR: the package index of this machine as packages.tsv, dependencies.tsv, files.tsv.
use strict;
use warnings;

my $dir = shift;
sub tsv { map { defined ? s/\\/\\\\/gr =~ s/\t/ /gr =~ s/\n/ /gr : '\N' } @_ }
sub out { my $f = shift; open my $h, '>', "$dir/$f.tsv" or die "$dir/$f.tsv: $!"; $h }

my ($packages, $dependencies, $files) = map { out($_) } qw(packages dependencies files);
my (%seen, %have, $edges, $paths);

sub record {
    my ($text) = @_;
    my %f = $text =~ /^([\w-]+): (.*)$/mg;
    return unless $f{Package} && $f{Version} && !$seen{ $f{Package} }++;
    my $size = $f{Size} // ($f{'Installed-Size'} // 0) * 1024;
    print $packages join("\t", tsv($f{Package}, $f{Version}, $f{Section}, $size, $f{Description})), "\n";
    for my $need (split /\s*[,|]\s*/, $f{Depends} // '') {
        my ($name) = $need =~ /^([\w.+-]+)/ or next;
        print $dependencies join("\t", tsv($f{Package}, $name)), "\n";
        $edges++;
    }
}

# All that the distribution offers, or, without an index of it, what is installed.
for my $command ('apt-cache dumpavail', 'cat /var/lib/dpkg/status') {
    open my $h, '-|', "$command 2>/dev/null" or next;
    local $/ = '';
    record($_) while <$h>;
    close $h;
}
for my $list (glob '/var/lib/dpkg/info/*.list') {
    my ($package) = $list =~ m{([^/:]+)(?::\w+)?\.list$} or next;
    open my $h, '<', $list or next;
    while (<$h>) {
        chomp;
        print $files join("\t", tsv($package, $_)), "\n";
        $paths++;
    }
}
printf "%d packages, %d dependencies, %d files\n", scalar keys %seen, $edges // 0, $paths // 0;
