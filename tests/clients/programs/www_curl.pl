# SPDX-License-Identifier: MIT
# WWW::Curl: an easy handle twice, with a new list for the second; two more in a multi.
use strict;
use warnings;
use WWW::Curl::Easy;
use WWW::Curl::Multi;

my @own = ('Authorization: Bearer sk-test', 'Content-Type: application/json');
my %answer;

sub easy {
	my ($n, @more) = @_;
	my $easy = WWW::Curl::Easy->new;
	$easy->setopt(CURLOPT_URL, "$ARGV[0]?$n");
	$easy->setopt(CURLOPT_POSTFIELDS, '{}');
	$easy->setopt(CURLOPT_HTTPHEADER, [@own, @more]);
	$easy->setopt(CURLOPT_WRITEFUNCTION, sub { $answer{$n} .= $_[0]; length $_[0] });
	return $easy;
}

my $one = easy(1);
print $one->perform, "\n";
$one->setopt(CURLOPT_HTTPHEADER, [@own, 'X-Turn: 2']);
print $one->perform, "\n";

my $multi = WWW::Curl::Multi->new;
my %running;
for my $n (2, 3) {
	$running{$n} = easy($n);
	$running{$n}->setopt(CURLOPT_PRIVATE, $n);
	$multi->add_handle($running{$n});
}
while (%running) {
	$multi->perform;
	while (my ($n, $code) = $multi->info_read) {
		print "failed: $code\n" if $code;
		delete $running{$n};
	}
}
print "$_ $answer{$_}\n" for sort keys %answer;
