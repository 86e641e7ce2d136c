# Lint.pm: what the lints share.  A lint prints one line a finding and fails if there was any.
package Lint;
use strict;
use warnings;
use File::Basename qw(dirname);
use File::Find;
use Exporter 'import';
our @EXPORT = qw(c_files module_of read_file code_of without_comments functions_of finding);

chdir dirname(__FILE__) . '/../..';
my $findings = 0;
END { $? = 1 if $findings && !$? }

sub finding { my ($where, $what) = @_; print "$where: $what\n"; $findings++ }

sub read_file { my $f = shift; open my $h, '<', $f or die "$f: $!"; local $/; <$h> // '' }

# Our C files below the given directories (src and include), or those of a suffix.
sub c_files {
    my @roots = grep { -d } (@_ ? @_ : qw(src include));
    my @files;
    find({ no_chdir => 1, wanted => sub { push @files, $_ if /\.[ch]$/ } }, @roots) if @roots;
    return sort @files;
}

sub module_of { $_[0] =~ m{^(?:src|include/citus)/(\w+)/} ? $1 : undef }

my $comment = qr{/\*.*?\*/|//[^\n]*}s;
my $string = qr{"(?:[^"\\\n]|\\.)*"};
my $char = qr{'(?:[^'\\\n]|\\.)*'};

sub blank { my $t = shift; $t =~ s/[^\n]/ /g; $t }

# The text with comments blanked: strings stay, lines stay where they are.
sub without_comments {
    my $t = shift;
    $t =~ s/($string|$char)|($comment)/defined $1 ? $1 : blank($2)/ge;
    return $t;
}

# The text with comments and the contents of strings blanked.
sub code_of {
    my $t = shift;
    $t =~ s/($comment)|"((?:[^"\\\n]|\\.)*)"|($char)/
        defined $1 ? blank($1) : defined $2 ? '"' . blank($2) . '"' : blank($3)/ge;
    return $t;
}

# Function definitions: [name, static?, first line, last line], in our layout (brace in column 1).
sub functions_of {
    my @lines = split /\n/, code_of(shift), -1;
    my @found;
    for (my $i = 0; $i < @lines; $i++) {
        next unless $lines[$i] =~ /^\{/ && $i > 0 && $lines[$i - 1] =~ /\)\s*$/;
        my ($name, $static);
        for (my $j = $i - 1; $j >= 0 && $j > $i - 14; $j--) {
            last if $lines[$j] =~ /^[\};#]/;
            if (!defined $name && $lines[$j] =~ /^(?:\w[\w\s\*]*?[\s\*])?(\w+)\s*\((?!\*)/) { $name = $1 }
            $static = 1 if $lines[$j] =~ /^static\b/;
            last if defined $name && $lines[$j] =~ /^\w[\w\s\*]*$/ && $j < $i - 1;
        }
        my $end = $i;
        $end++ while $end < $#lines && $lines[$end] !~ /^\}/;
        push @found, [$name, $static, $i + 1, $end + 1] if defined $name;
        $i = $end;
    }
    return @found;
}

1;
