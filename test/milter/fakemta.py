"""A mail server's side of the milter protocol, and the milter under test, for the tests here.

Written from the protocol's description in Postfix's milter8.c and libmilter's mfdef.h, so that it is
independent of libmilter. It speaks like Postfix 3.7: version 6, all events, macros before events.
"""
import base64, os, pwd, re, signal, socket, struct, subprocess, sys, tempfile, time

BUILD = os.environ.get("POSTERN_BUILD", "build/dev")
MILTER = os.environ.get("POSTERN_MILTER", os.path.join(BUILD, "milter/postern-milter"))

POSTFIX_ACTIONS = 0x1FF
POSTFIX_PROTOCOL = 0x1FFFFF
SKIP, HDR_LEADSPC = 0x400, 0x100000
NO = {"C": 0x1, "H": 0x2, "M": 0x4, "R": 0x8, "B": 0x10, "L": 0x20, "N": 0x40, "U": 0x100, "T": 0x200}
NO_REPLY = {"L": 0x80, "C": 0x1000, "H": 0x2000, "M": 0x4000, "R": 0x8000, "T": 0x10000,
            "U": 0x20000, "N": 0x40000, "B": 0x80000}
FINAL = b"acdrty"


class Refused(Exception):
    """The milter closed the connection."""


class Milter:
    """postern-milter with a configuration of its own, in a scratch folder."""

    def __init__(self, domains, extra="", socket_line=None, wrapper=(), expect_start=True):
        self.folder = tempfile.mkdtemp(prefix="postern-milter-")
        os.chmod(self.folder, 0o755)
        self.path = os.path.join(self.folder, "sock", "milter.sock")
        os.mkdir(os.path.dirname(self.path))
        self.config = os.path.join(self.folder, "milter.conf")
        user = "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        group = "nogroup" if os.geteuid() == 0 else ""
        text = [socket_line or f'socket = "unix:{self.path}"', f'user = "{user}"', 'log = "stderr"', extra]
        if group:
            text.append(f'socket_group = "{group}"')
        else:
            import grp
            text.append(f'socket_group = "{grp.getgrgid(os.getegid()).gr_name}"')
        for name, settings in domains.items():
            text.append(f'domain "{name}" {{')
            text += [f"    {line}" for line in settings]
            text.append("}")
        with open(self.config, "w") as out:
            out.write("\n".join(text) + "\n")
        self.log_path = os.path.join(self.folder, "log")
        self.log_file = open(self.log_path, "wb")
        self.process = subprocess.Popen(list(wrapper) + [MILTER, "-f", "-c", self.config],
                                        stdin=subprocess.DEVNULL, stdout=self.log_file,
                                        stderr=self.log_file)
        if expect_start:
            self.wait_for("listening on")

    def log(self):
        with open(self.log_path, errors="replace") as text:
            return text.read()

    def wait_for(self, text, seconds=20):
        end = time.time() + seconds
        while text not in self.log():
            if time.time() > end or (self.process.poll() is not None and text not in self.log()):
                raise AssertionError(f"no '{text}' in the log:\n{self.log()}")
            time.sleep(0.02)

    def stop(self, seconds=60):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(seconds)
        self.log_file.close()
        return status

    def connection(self, **options):
        return Connection(self.path, **options)


class Connection:
    """One connection of the mail server, as smtpd or cleanup make it."""

    def __init__(self, path, actions=POSTFIX_ACTIONS, protocol=POSTFIX_PROTOCOL, version=6):
        if isinstance(path, tuple):
            self.socket = socket.create_connection(path)
        else:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.connect(path)
        self.socket.settimeout(30)
        self.send("O", struct.pack("!III", version, actions, protocol))
        kind, data = self.read()
        assert kind == b"O", kind
        self.version, self.actions, self.protocol = struct.unpack("!III", data[:12])
        self.macros_wanted = data[12:]
        self.modifications = []
        self.reply = None

    def send(self, kind, data=b""):
        try:
            self.socket.sendall(struct.pack("!I", len(data) + 1) + kind.encode() + data)
        except OSError as error:
            raise Refused(str(error)) from error

    def read_exactly(self, count):
        data = b""
        while len(data) < count:
            try:
                more = self.socket.recv(count - len(data))
            except ConnectionResetError as error:
                raise Refused(str(error)) from error
            if not more:
                raise Refused("end of file")
            data += more
        return data

    def read(self):
        (length,) = struct.unpack("!I", self.read_exactly(4))
        data = self.read_exactly(length)
        return data[:1], data[1:]

    def macros(self, event, **values):
        data = event.encode()
        for name, value in values.items():
            name = name if len(name) == 1 else "{" + name + "}"
            data += name.encode() + b"\0" + value.encode() + b"\0"
        self.send("D", data)

    def event(self, kind, data=b"", always=False):
        """Sends an event that the milter wants, and reads its answer if there is one."""
        if not always and self.protocol & NO.get(kind, 0):
            return b"c"
        self.send(kind, data)
        if self.protocol & NO_REPLY.get(kind, 0):
            return b"c"
        return self.answer()

    def answer(self):
        while True:
            kind, data = self.read()
            if kind in (b"p",):
                continue
            if kind in (b"h", b"i", b"m", b"+", b"-", b"b", b"q", b"e", b"2"):
                self.modifications.append((kind, data))
                continue
            self.reply = data.rstrip(b"\0").decode() if kind == b"y" else None
            return kind

    def connect(self, hostname="localhost", address="127.0.0.1", port=40000, listener="smtpd"):
        self.macros("C", client_addr=address or hostname, j="mail.example.com", daemon_name=listener)
        data = hostname.encode() + b"\0"
        if address is None:
            data += b"U"
        else:
            family = b"6" if ":" in address else b"4"
            text = "IPv6:" + address if family == b"6" else address
            data += family + struct.pack("!H", port) + text.encode() + b"\0"
        answer = self.event("C", data)
        self.event("H", b"client.example\0")
        return answer

    def mail(self, user=None, sender=b"sender@example.com", **macros):
        self.modifications = []
        if user:
            macros["auth_authen"] = user
        self.macros("M", i="4XXXXXXXXX", **macros)
        return self.event("M", b"<" + sender + b">\0")

    def header(self, name, value):
        return self.event("L", name + b"\0" + value + b"\0")

    def end_of_header(self):
        self.macros("N", i="4XXXXXXXXX")
        return self.event("N")

    def body(self, data, chunk=65535):
        for start in range(0, len(data), chunk):
            answer = self.event("B", data[start:start + chunk])
            if answer != b"c":
                return answer
        return b"c"

    def end(self):
        self.macros("E", i="4XXXXXXXXX")
        return self.event("E", always=True)

    def abort(self):
        self.send("A")

    def quit(self):
        try:
            self.send("Q")
        except Refused:
            pass
        self.socket.close()

    def message(self, headers, body, user=None, chunk=65535):
        """A whole message: [(name, value with leading blank and LF folds)], body as smtpd hands it.

        Returns the verdict, and the message as it leaves, with CRLF line ends.
        """
        if self.mail(user) != b"c":
            raise AssertionError("MAIL refused")
        self.event("R", b"<rcpt@example.org>\0")
        self.event("T")
        answer = b"c"
        for name, value in headers:
            answer = self.header(name, value)
            if answer != b"c":
                break
        if answer == b"c":
            answer = self.end_of_header()
        if answer == b"c":
            answer = self.body(body, chunk)
        if answer == b"c":
            answer = self.end()
        # Postfix sends it after each message
        self.abort()
        return answer, self.rendered(headers, body)

    def rendered(self, headers, body):
        """The message as Postfix sends it: LF becomes CRLF, and the last line gets an end."""
        fields = [name + b":" + value for name, value in headers]
        for kind, data in self.modifications:
            if kind == b"q":
                continue
            assert kind == b"i", f"unexpected modification {kind!r}"
            (index,) = struct.unpack("!I", data[:4])
            name, value = data[4:].rstrip(b"\0").split(b"\0")
            assert b"\r" not in value, "CR in an inserted field"
            fields.insert(index, name + b":" + value)
        text = b"".join(field.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") + b"\r\n"
                        for field in fields)
        body = body.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        if body and not body.endswith(b"\r\n"):
            body += b"\r\n"
        return text + b"\r\n" + body


def make_key(folder, name="key.pem", bits=2048):
    path = os.path.join(folder, name)
    subprocess.run(["openssl", "genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt",
                    f"rsa_keygen_bits:{bits}", "-out", path], check=True)
    os.chmod(path, 0o600)
    return path


def make_ed25519_key(folder, name):
    path = os.path.join(folder, name)
    subprocess.run(["openssl", "genpkey", "-quiet", "-algorithm", "ED25519", "-out", path], check=True)
    os.chmod(path, 0o600)
    return path


def ed25519_record(key):
    """RFC 8463 4.2: the 32 octets of the key alone, which are the last of its DER form."""
    der = subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-outform", "DER"], check=True,
                         stdout=subprocess.PIPE).stdout
    return b"v=DKIM1; k=ed25519; p=" + base64.b64encode(der[-32:])


def dns_record(key):
    der = subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-outform", "DER"], check=True,
                         stdout=subprocess.PIPE).stdout
    return b"v=DKIM1; k=rsa; p=" + base64.b64encode(der)


# Mail::DKIM asks this instead of a name server. Messages come as opendkim_verify takes them; a line is
# printed for each.
PERL_VERIFIER = r"""
use strict; use warnings;
use Mail::DKIM::Verifier;
use Mail::DKIM::DNS;
use Net::DNS;
my ($name, $record) = @ARGV;
{
    no warnings 'redefine';
    *Mail::DKIM::DNS::query = sub {
        my ($asked, $type) = @_;
        return () unless lc $asked eq lc $name && $type eq 'TXT';
        return (Net::DNS::RR->new(name => $name, type => 'TXT', txtdata => [$record =~ /(.{1,255})/g]));
    };
}
binmode STDIN;
$| = 1;
while (defined(my $length = <STDIN>)) {
    read(STDIN, my $message, $length) == $length or die "cut short";
    my $verifier = Mail::DKIM::Verifier->new;
    $verifier->PRINT($message);
    $verifier->CLOSE;
    print $verifier->result_detail, "\n";
}
"""


class Judge:
    """A verifier that runs in a process of its own, and is asked about one message after another."""

    def __init__(self, command, **options):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **options)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.stdin.close()
        self.process.wait(60)
        self.process.stdout.close()

    def ask(self, message):
        self.process.stdin.write(b"%d\n" % len(message) + message)
        self.process.stdin.flush()


class MailDkim(Judge):
    """Mail::DKIM, with one record. It knows no Ed25519."""

    def __init__(self, name, record):
        super().__init__(["perl", "-e", PERL_VERIFIER, name, record.decode()], stderr=subprocess.STDOUT)

    def complaint(self, message):
        """None for a message whose signature is good."""
        self.ask(message)
        answer = self.process.stdout.readline().decode(errors="replace").strip()
        return None if answer == "pass" else f"Mail::DKIM: {answer or 'it ended'}"


class Opendkim(Judge):
    """libopendkim, with records by name."""

    def __init__(self, records):
        judge = os.path.join(BUILD, "test/milter/opendkim_verify")
        super().__init__([judge] + [f"{name}={record.decode()}" for name, record in records.items()],
                         env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})

    def signatures(self, message):
        """[(a, d, s, "good" or what is wrong)] from the top."""
        self.ask(message)
        found = []
        for line in iter(self.process.stdout.readline, b"\n"):
            if not line:
                return ["it ended"]
            found.append(tuple(line.decode().rstrip("\n").split(" ", 3)))
        return found


def verify(message, key, selector="mail", domain="example.com"):
    """What the two verifiers say: None, or the first complaint.

    dkimpy cannot read blanks before the colon of a field, which RFC 6376 3.4.2 provides for.
    """
    import dkim
    record = dns_record(key)
    wanted = f"{selector}._domainkey.{domain}"

    def lookup(name, timeout=5):
        return record if name.decode().rstrip(".").lower() == wanted else None

    odd = re.search(rb"^[^\s:]+[ \t]+:", message.split(b"\r\n\r\n")[0], re.MULTILINE)
    if not odd and not dkim.verify(message, dnsfunc=lookup):
        return "dkimpy refuses the signature"
    with MailDkim(wanted, record) as judge:
        return judge.complaint(message)


def judge_all(message, records, opendkim=None):
    """Every signature of a message, judged by dkimpy and libopendkim. `records`: name to record; `opendkim`:
    a running judge that has them. Returns [(a, d, s)] from the top, or a complaint."""
    import dkim

    def lookup(name, timeout=5):
        return records.get(name.decode().rstrip(".").lower())

    if not opendkim:
        with Opendkim(records) as judge:
            return judge_all(message, records, judge)
    header = message.split(b"\r\n\r\n")[0]
    count = len(re.findall(rb"^DKIM-Signature[ \t]*:", header, re.MULTILINE | re.IGNORECASE))
    odd = re.search(rb"^[^\s:]+[ \t]+:", header, re.MULTILINE)
    for index in range(count):
        try:
            if not odd and not dkim.DKIM(message).verify(idx=index, dnsfunc=lookup):
                return f"dkimpy refuses signature {index}"
        except dkim.DKIMException as error:
            return f"dkimpy refuses signature {index}: {error}"
    found = opendkim.signatures(message)
    if not count or len(found) != count or any(line[3:] != ("good",) for line in found):
        return f"libopendkim: {found}"
    return [line[:3] for line in found]


def missing_tools():
    """Skips the test, with status 77, where its oracles are not installed."""
    try:
        import dkim  # noqa: F401
    except ImportError:
        print("skipped: python3-dkim is not installed")
        sys.exit(77)
    if subprocess.run(["perl", "-MMail::DKIM::Verifier", "-MNet::DNS", "-e", "1"], check=False,
                      stderr=subprocess.DEVNULL).returncode != 0:
        print("skipped: libmail-dkim-perl is not installed")
        sys.exit(77)
