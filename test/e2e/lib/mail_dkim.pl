# Prints Mail::DKIM's verdict on the message on standard input.
use strict;
use warnings;
use Mail::DKIM::Verifier;

binmode STDIN;
my $verifier = Mail::DKIM::Verifier->new();
$verifier->PRINT($_) while <STDIN>;
$verifier->CLOSE;
print $verifier->result, "\n";
