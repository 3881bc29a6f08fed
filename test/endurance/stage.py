"""What the load passes: a booted lab with a proxy, a mail host and its neighbours, keys, messages, sinks.

    out  private (smtp_load) --> postern-gate --> smtpd + postern-milter signs --> internet (smtp_sink)
    in   internet (smtp_load) --> HAProxy --> postern-gate --> smtpd + postern-milter verifies --> private (smtp_sink)

Postfix of private and internet is stopped: the sinks are in its place, so that what is measured is the mail host.
"""
import base64
import os
import random
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "e2e", "lib"))
import lab as lab_library  # noqa: E402

BUILD = os.environ.get("POSTERN_BUILD") or os.path.join(lab_library.SOURCE, "build", "release")
DOMAINS = ["example.com"] + [f"d{number}.example" for number in range(1, 10)]
SENDERS = 30           # of each domain
STRANGERS = "elsewhere.test"
# size in KiB: how many of 1000 messages have it
SIZES = {4: 780, 1: 120, 16: 60, 64: 30, 256: 8, 1024: 2}
MAIL, EDGE, PRIVATE, INTERNET = "10.20.0.3", "11.22.33.44", "10.20.0.4", "203.0.113.9"
PLACE = "/run/endurance"   # on the nodes that send and receive
HTTP = "/run/postern-lab/http"

TOPOLOGY = """postern: 1
domains:
{domains}
networks:
  dmz: 10.20.0.0/24
nodes:
  edge:
    kind: proxy
    software: haproxy
    addresses: {{internet: 11.22.33.44, dmz: 10.20.0.2}}
  mail:
    kind: postfix
    hostname: mail.example.com
    addresses: {{internet: 11.22.33.45, dmz: 10.20.0.3}}
    verify: dkim
    listeners:
      smtp: {{service: smtp, port: 25, proxied_by: edge, through: gate}}
    tls:
      certificate: /etc/postfix/certificates/mail.example.com.crt
      key: /etc/postfix/certificates/mail.example.com.key
  private:
    kind: dms
    hostname: internal-mail.example.com
    addresses: {{dmz: 10.20.0.4}}
links:
  - {{between: [mail, private], over: dmz, trust: address}}
routes:
  - {{name: inbound,  to:   [{names}], path: [internet, edge, mail, private]}}
  - {{name: outbound, from: [{names}], path: [private, mail, internet]}}
"""
DOMAIN = """  {name}:
    mailboxes: private
    recipients: "@{name}"
    dkim: {{sign_at: mail, keys: [{{selector: rsa, type: rsa-2048}}, {{selector: ed, type: ed25519}}]}}
"""
SIGN = """
import dkim, sys
key, *paths = sys.argv[1:]
for path in paths:
    text = open(path, "rb").read()
    field = dkim.sign(text, b"s1", b"elsewhere.test", open(key, "rb").read(), canonicalize=(b"relaxed", b"relaxed"),
                      include_headers=[b"from", b"to", b"subject", b"date", b"message-id"])
    open(path, "wb").write(field + text)
"""
# Prints how many signatures of how many messages are good, and the others.
VERIFY = """
import dkim, os, sys
good = count = 0
for name in sorted(os.listdir(sys.argv[1])):
    count += 1
    message = dkim.DKIM(open(os.path.join(sys.argv[1], name), "rb").read())
    fields = sum(field.lower() == b"dkim-signature" for field, _ in message.headers)
    for index in range(fields):
        try:
            verdict = message.verify(idx=index)
        except Exception as error:
            verdict = error
        if verdict is True:
            good += 1
        else:
            print(name, index, verdict, file=sys.stderr)
print(good, count)
"""


class Stage(lab_library.Lab):
    """The lab, with all in place; a context manager."""

    def __init__(self, folder):
        topology = os.path.join(folder, "topology.yaml")
        with open(topology, "w", encoding="ascii") as file:
            file.write(TOPOLOGY.format(domains="".join(DOMAIN.format(name=name) for name in DOMAINS),
                                       names=", ".join(DOMAINS)))
        super().__init__(topology, name=f"endurance-{os.getpid()}")
        self.messages = os.path.join(folder, "messages")

    def __enter__(self):
        super().__enter__()
        try:
            self.prepare()
        except BaseException:
            self.__exit__()
            raise
        return self

    def prepare(self):
        self.write_keys()
        self.configure_milter()
        # a busy machine may need more than the 5 seconds that Postfix waits for a PROXY header
        self.run("mail", "postconf", "-e", "smtpd_upstream_proxy_timeout=60s")
        self.run("mail", "postfix", "reload")
        for node in ("private", "internet"):
            self.lab("stop", self.name, node)
            os.mkdir(self.path(node, PLACE))
            for program in ("smtp_load", "smtp_sink"):
                shutil.copy(os.path.join(BUILD, "test", "endurance", program), self.path(node, PLACE))
        write_messages(self.messages, self.stranger)
        for node in ("private", "internet"):
            shutil.copytree(self.messages, self.path(node, f"{PLACE}/messages"))
            os.mkdir(self.path(node, f"{PLACE}/kept"))

    def process(self, node):
        """The id of a node's process 1."""
        state = os.environ.get("POSTERN_LAB_STATE", "/run/postern-lab")
        with open(f"{state}/{self.name}/pids/{node}", encoding="ascii") as file:
            return file.read().strip()

    def path(self, node, path):
        """A node's file, as this process can open it."""
        return f"/proc/{self.process(node)}/root{path}"

    def write_keys(self):
        """The lab makes RSA keys alone: each `ed` becomes an Ed25519 key, and strangers get one; in the DNS as well."""
        records = {}
        for domain in DOMAINS:
            path = self.path("mail", f"/etc/postern/keys/{domain}/ed.private")
            records[f"ed._domainkey.{domain}."] = "v=DKIM1; k=ed25519; p=" + make_key(path, "ED25519")
        self.stranger = os.path.join(self.folder, "stranger.pem")
        record = "v=DKIM1; k=rsa; p=" + make_key(self.stranger, "RSA")
        records[f"s1._domainkey.{STRANGERS}."] = record
        zone = self.path("dns", "/etc/nsd/lab.zone")
        with open(zone, encoding="ascii") as file:
            lines = [line for line in file if line.split(" ", 1)[0] not in records]
        lines += [f'{name} TXT "{text[:200]}" "{text[200:]}"\n' for name, text in records.items()]
        with open(zone, "w", encoding="ascii") as file:
            file.writelines(lines)
        self.run("dns", "sh", "-c", "old=$(cat /run/nsd.pid); kill $old; while kill -0 $old 2>/dev/null; "
                 "do sleep 0.1; done; nsd -c /etc/nsd/nsd.conf")

    def configure_milter(self):
        """The page of metrics is not rendered: who monitors a host adds it."""
        path = self.path("mail", "/etc/postern/postern-milter.conf")
        with open(path, "a", encoding="ascii") as file:
            file.write(f'\nhttp = "unix:{HTTP}"\n')
        self.run("mail", "install", "-d", "-o", "postern", os.path.dirname(HTTP))
        self.lab("milter-stop", self.name, "mail")
        self.lab("milter-start", self.name, "mail")

    def start(self, node, *command):
        """Starts a program on a node; its standard output is a pipe."""
        return subprocess.Popen(["nsenter", "--target", self.process(node), "--mount", "--net", "--uts", "--ipc",
                                 "--pid", "--wdns=/", "--", *command], stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, text=True)

    def start_sink(self, node, keep, *needed):
        return self.start(node, f"{PLACE}/smtp_sink", "25", str(keep), f"{PLACE}/kept", *needed)

    def start_load(self, way, sessions, messages, rate, rude, seed):
        node, server, source = {"out": ("private", MAIL, PRIVATE), "in": ("internet", EDGE, INTERNET)}[way]
        return self.start(node, f"{PLACE}/smtp_load", f"{PLACE}/messages/{way}.list", server, source, str(sessions),
                          str(messages), str(rate), str(rude), str(seed))

    def verify_kept(self, node):
        """The kept messages of a sink, by dkimpy, which asks the lab's DNS: good signatures, messages, complaints."""
        result = subprocess.run([lab_library.POSTERN_LAB, "exec", self.name, node, "/usr/bin/python3", "-c", VERIFY,
                                 f"{PLACE}/kept"], check=True, text=True, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE)
        good, count = result.stdout.split()
        return int(good), int(count), result.stderr.splitlines()


def make_key(path, algorithm):
    """Writes a private key; returns the public one as a DKIM record has it."""
    options = ["-pkeyopt", "rsa_keygen_bits:2048"] if algorithm == "RSA" else []
    subprocess.run(["openssl", "genpkey", "-quiet", "-algorithm", algorithm, *options, "-out", path], check=True)
    os.chmod(path, 0o600)
    public = subprocess.run(["openssl", "pkey", "-in", path, "-pubout", "-outform", "DER"], check=True,
                            stdout=subprocess.PIPE).stdout
    return base64.b64encode(public if algorithm == "RSA" else public[-32:]).decode()


def compose(sender, recipient, size, chance):
    """A message of about `size` octets, with CRLF; every so often a line begins with a dot."""
    words = ["mail", "relay", "of", "the", "private", "host", "queue", "signed", "and", "sent", "hop", "by", "hop"]
    lines = [f"From: <{sender}>", f"To: <{recipient}>", f"Subject: {size} octets", "Date: " +
             time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime()),
             f"Message-ID: <{chance.getrandbits(64):x}@{sender.split('@')[1]}>", "MIME-Version: 1.0",
             "Content-Type: text/plain; charset=us-ascii", ""]
    length = sum(map(len, lines)) + 2 * len(lines)
    while length < size:
        line = " ".join(chance.choices(words, k=chance.randint(1, 14)))
        if chance.random() < 0.05:
            line = "." + line
        lines.append(line)
        length += len(line) + 2
    return "\r\n".join(lines).encode() + b"\r\n"


def write_messages(folder, stranger):
    """Messages of all sizes by each domain, and signed ones by strangers, and the lists for smtp_load."""
    os.mkdir(folder)
    chance = random.Random(10)
    rows = {"out": [], "in": []}
    for domain in DOMAINS:
        for size, weight in SIZES.items():
            name = f"{domain}-{size}"
            write_message(folder, name, compose(f"author@{domain}", f"reader@{STRANGERS}", size << 10, chance))
            rows["out"] += [f"{weight} user{sender}@{domain} reader{chance.randrange(1000)}@{STRANGERS} {name}"
                            for sender in range(SENDERS)]
    paths = []
    for size in SIZES:
        paths.append(write_message(folder, f"{STRANGERS}-{size}",
                                   compose(f"author@{STRANGERS}", f"reader@{DOMAINS[0]}", size << 10, chance)))
    subprocess.run(["/usr/bin/python3", "-c", SIGN, stranger, *paths], check=True)
    for size, weight in SIZES.items():
        rows["in"] += [f"{weight} stranger{chance.randrange(1000)}@{STRANGERS} user{recipient}@{domain} "
                       f"{STRANGERS}-{size}" for domain in DOMAINS for recipient in range(SENDERS)]
    for path in os.listdir(folder):
        double_dots(os.path.join(folder, path))
    for way, lines in rows.items():
        with open(os.path.join(folder, f"{way}.list"), "w", encoding="ascii") as file:
            file.writelines(f"{line.rsplit(' ', 1)[0]} {PLACE}/messages/{line.rsplit(' ', 1)[1]}\n" for line in lines)


def write_message(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "wb") as file:
        file.write(text)
    return path


def double_dots(path):
    with open(path, "rb") as file:
        text = file.read()
    with open(path, "wb") as file:
        file.write(text.replace(b"\r\n.", b"\r\n.."))
