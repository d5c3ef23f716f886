# Answers every request with one line.
use strict;
use warnings;
use IO::Socket::INET;

my $hello = "Hello from perl v1\n";

my $server = IO::Socket::INET->new(
    LocalAddr => "127.0.0.1",
    LocalPort => $ENV{PORT},
    Listen    => 128,
    ReuseAddr => 1,
) or die "cannot listen: $!";

$SIG{CHLD} = "IGNORE";
$SIG{TERM} = sub { exit 0 };

while (1) {
    my $client = $server->accept or next;
    next if fork;
    answer($client);
    exit 0;
}

# Until the client ends the connection, or asks for that.
sub answer {
    my ($client) = @_;
    my $close;
    $client->autoflush(1);
    while (defined(my $line = <$client>)) {
        $close = 1 if $line =~ /^connection:\s*close/i;
        next unless $line =~ /^\r?\n$/;
        print $client "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
          . "Content-Length: " . length($hello) . "\r\n\r\n$hello";
        return if $close;
    }
}
