"""The ledger: what became of every message that was sent while something was broken.

A message has a token, which is in its Message-ID, so that the logs of all hosts name it, and in its body. What the
client heard, what lies in the mailboxes, and what the hosts logged are three witnesses that know nothing of each other.

Who has a message? Until the first host answers its data with 250 its sender has it, and tries again. From then on it
must arrive once, whole, and validly signed if it is ours and leaves; or its sender gets a bounce.

A second copy is allowed in one case, which nobody can avoid (RFC 5321 4.5.3.2.6 and 6.1, RFC 1047): the connection broke, or
one of the two hosts died, after the final dot and before its answer was heard. The trace fields of the copies tell
between which two hosts they parted; the log of the earlier one tells whether it heard the answer. If it had heard it and
sent again, that is our fault.
"""
import calendar
import collections
import contextlib
import email
import email.policy
import hashlib
import re
import types

import dkim

TOKEN = re.compile(r"fault-[a-z0-9-]+\.\d+\.\d+\.")
NEW_KEY = calendar.timegm((2100, 1, 1, 0, 0, 0))  # when the keys of example.net turn over
LIFETIME = 10  # days between t= and x= of what the private host signs

# name: from which node, by whom, to whom, does it bounce, which domain signs it
Kind = collections.namedtuple("Kind", "name node sender recipient bounces signer")
KINDS = {kind.name: kind for kind in (
    Kind("in", "internet", "stranger@elsewhere.test", "user@example.com", False, None),
    Kind("in-direct", "internet", "stranger@elsewhere.test", "user@example.org", False, None),
    Kind("in-bounce", "internet", "stranger@elsewhere.test", "alice@example.com", True, None),
    Kind("out", "private", "user@example.com", "stranger@elsewhere.test", False, "example.com"),
    Kind("out-relay", "private", "user@example.org", "stranger@elsewhere.test", False, "example.org"),
    Kind("out-keys", "private", "user@example.net", "stranger@elsewhere.test", False, "example.net"),
    Kind("out-local", "private", "user@example.com", "stranger@elsewhere.test", False, "example.com"),
    Kind("out-bounce", "private", "user@example.com", "reject@elsewhere.test", True, None),
)}


def body_of(token, size):
    """What a message says: a function of its token, so that a damaged one is seen."""
    line = hashlib.sha256(token.encode()).hexdigest()
    return f"{token}\r\n" + f"{line}\r\n" * (size // 66)


class Copy:
    """A message in a mailbox."""

    def __init__(self, node, octets):
        self.node = node
        self.octets = octets
        self.message = email.message_from_bytes(octets, policy=email.policy.compat32)
        self.is_bounce = self.message.get_content_type() == "multipart/report"
        found = TOKEN.search(octets.decode(errors="replace") if self.is_bounce
                             else str(self.message.get("Message-ID")))
        self.token = found and found[0]

    def hops(self):
        """(host, queue id) of each host that took it, the first one first."""
        return [(found[1], found[2]) for field in reversed(self.message.get_all("Received", []))
                if (found := re.search(r"\bby (\S+) .*?\bid ([0-9A-Za-z]+)", re.sub(r"\s+", " ", field)))]

    def returned(self):
        """Of a bounce, the message that came back, or what is left of it."""
        for part in self.message.walk():
            if part.get_content_type() == "message/rfc822":
                return Copy(self.node, part.get_payload(0).as_bytes())
            if part.get_content_type() == "text/rfc822-headers":
                return Copy(self.node, part.get_payload(decode=True))
        return None

    def whole(self, token, size):
        return self.octets.partition(b"\r\n\r\n")[2].rstrip() == body_of(token, size).rstrip().encode()

    def signed_by(self, domain, look_up, agree=False):
        """Whether a signature of the domain is valid, as dkimpy says; if clocks are to agree, then for a receiver whose
        clock says what the signer's did."""
        for index, field in enumerate(self.message.get_all("DKIM-Signature", [])):
            if re.search(rf"\bd={re.escape(domain)}\b", field):
                with clock_of(int(re.search(r"\bt=(\d+)", field)[1]) if agree else None):
                    try:
                        if dkim.DKIM(self.octets).verify(index, dnsfunc=look_up):
                            return True
                    except (dkim.DKIMException, ValueError):
                        pass
        return False

    def wrong_times(self):
        """Signatures of the private host by a key that is not in use at the time that they say, or for a wrong time."""
        wrong = []
        for field in self.message.get_all("DKIM-Signature", []):
            field = re.sub(r"\s+", " ", field)
            tags = dict(re.findall(r"\b(\w+)=([^;]*)", field))
            begin, end = int(tags["t"]), int(tags.get("x", 0))
            if tags["d"] in ("example.com", "example.net") and end != begin + LIFETIME * 86400 or \
                    tags["d"] == "example.net" and (begin >= NEW_KEY) != (tags["s"] == "new"):
                wrong.append(field)
        return wrong


@contextlib.contextmanager
def clock_of(seconds):
    """dkimpy takes it to be that time, if any is given."""
    real = dkim.time
    if seconds is not None:
        dkim.time = types.SimpleNamespace(time=lambda: seconds)
    try:
        yield
    finally:
        dkim.time = real


class Log:
    """What a host's Postfix wrote about messages. killed: process ids of its daemons that were killed."""

    def __init__(self, text, killed=()):
        self.sent = collections.defaultdict(list)  # queue id: who wrote that it was sent
        self.maybe_twice = set()                   # queue ids
        self.killed = set(killed)
        for line in text.splitlines():
            found = re.search(r"\[(\d+)\]: (\w+): to=.* status=(\w+) \((.*)", line)
            if found and found[3] == "sent":
                self.sent[found[2]].append(int(found[1]))
            elif found and "may be sent more than once" in found[4]:
                self.maybe_twice.add(found[2])

    def sent_knowingly(self, queue_id):
        """Whether it was sent again although it was known to have been sent, and who knew lived on."""
        return sum(process not in self.killed for process in self.sent[queue_id]) > 1


class Row:
    """The counts of one fault."""
    COLUMNS = ("sent", "put off", "accepted", "delivered", "bounced", "lost", "unsigned", "twice", "damaged", "refused",
               "kept", "waiting", "skewed", "again")
    MUST_BE_ZERO = ("lost", "unsigned", "twice", "damaged", "refused", "kept", "waiting", "skewed")

    def __init__(self):
        self.counts = dict.fromkeys(self.COLUMNS, 0)
        self.notes = []  # (column, token, what)

    def add(self, column, token=None, what=""):
        self.counts[column] += 1
        if token:
            self.notes.append((column, token, what))

    def broken(self):
        return {name: self.counts[name] for name in self.MUST_BE_ZERO if self.counts[name]}


class Ledger:
    """All messages of one fault. look_up(name, timeout) gives TXT records; names maps a host's name to its node."""

    def __init__(self, look_up, names):
        self.look_up = look_up
        self.names = names
        self.attempts = collections.defaultdict(list)  # token: [(result, reply)]
        self.sizes = {}
        self.kinds = {}

    def attempt(self, event):
        """What a client says of one attempt: result is accepted, deferred, refused, or unknown when the connection
        broke before the answer."""
        token = event["token"]
        self.kinds[token] = KINDS[event["kind"]]
        self.sizes[token] = event["size"]
        self.attempts[token].append((event["result"], event["reply"]))

    def accepted(self, token):
        return sum(result == "accepted" for result, _ in self.attempts[token])

    def judge(self, copies, logs, waiting):
        """copies: all in all mailboxes; logs: {node: Log}; waiting: tokens that are in a queue still."""
        row = Row()
        mail, bounces = collections.defaultdict(list), collections.defaultdict(list)
        for copy in copies:
            (bounces if copy.is_bounce else mail)[copy.token].append(copy)
        for token in self.attempts:
            self.judge_one(row, token, mail[token], bounces[token], logs, token in waiting)
        return row

    def judge_one(self, row, token, mail, bounces, logs, waits):
        kind, results = self.kinds[token], [result for result, _ in self.attempts[token]]
        row.add("sent")
        row.counts["put off"] += sum(result in ("deferred", "unknown") for result in results)
        if "refused" in results:
            row.add("refused", token, str(self.attempts[token]))
        elif not self.accepted(token):
            row.add("kept", token, str(self.attempts[token][-1]))
        if self.accepted(token):
            row.add("accepted")
        row.counts["delivered"] += bool(mail)
        row.counts["bounced"] += bool(bounces)
        if bounces and not kind.bounces:
            row.notes.append(("bounced", token, "though its recipient is there"))
        if waits:
            row.add("waiting", token)
        elif self.accepted(token) and not mail and not bounces:
            row.add("lost", token, kind.name)
        for copy in mail:
            if not copy.whole(token, self.sizes[token]):
                row.add("damaged", token, f"{len(copy.octets)} octets at {copy.node}")
            if kind.signer:
                self.judge_signature(row, token, copy, kind.signer)
        for copy in bounces:  # one that leaves is ours as well
            if copy.node == "internet":
                self.judge_signature(row, token, copy, "example.com")
        for copies in (mail, bounces):
            self.judge_copies(row, token, copies, logs)
        if mail and bounces:
            row.add("twice", token, "delivered and bounced")

    def judge_signature(self, row, token, copy, domain):
        if copy.wrong_times():
            row.add("unsigned", token, f"with the wrong key or time: {copy.wrong_times()}")
        elif copy.signed_by(domain, self.look_up):
            return
        elif copy.signed_by(domain, self.look_up, agree=True):
            row.add("skewed", token)
        else:
            row.add("unsigned", token, "its bounce" if copy.is_bounce else self.kinds[token].name)

    def judge_copies(self, row, token, copies, logs):
        """Counts those beyond the first, and finds out why there are any."""
        for number, copy in enumerate(copies[1:], 1):
            reasons = [self.reason(token, other, copy, logs) for other in copies[:number]]
            if all(reasons):
                row.add("again", token, reasons[-1])
            else:
                row.add("twice", token, " | ".join(str(c.hops()) for c in copies))

    def reason(self, token, one, other, logs):
        """Why there are two copies, or nothing if there is no good reason."""
        if one.is_bounce and one.message["Message-ID"] != other.message["Message-ID"]:
            returned = one.returned(), other.returned()
            if not all(returned) or returned[0].hops() == returned[1].hops():
                return self.two_notices(one, other, logs)
            one, other = returned  # there were two copies already before each came back
        first, second = one.hops(), other.hops()
        common = 0
        while common < min(len(first), len(second)) and first[common] == second[common]:
            common += 1
        if common == 0:  # the client sent it twice; had it heard the first answer, that would be the test's fault
            return "the client heard no answer" if self.accepted(token) < 2 and not one.is_bounce else None
        host, queue_id = first[common - 1]
        log = logs.get(self.names.get(host))
        if not log or log.sent_knowingly(queue_id):
            return None
        if common == len(first) == len(second):  # into a mailbox, where no connection can be lost
            return f"{host} was killed amid the delivery: {queue_id}" if log.killed else None
        how = "logged that it may be" if queue_id in log.maybe_twice else "heard no answer, or did not live to note it"
        return f"{host} {how}: {queue_id}"

    def two_notices(self, one, other, logs):
        """Two bounces of one message: the host died after the first, before the message had left its queue."""
        host = str(one.message.get("Reporting-MTA") or one.hops()[0][0])
        log = logs.get(self.names.get(host))
        same = one.hops()[0][0] == other.hops()[0][0]
        return f"{host} was killed before it could note its bounce" if same and log and log.killed else None


HEADINGS = {"put off": "put off", "again": "again*"}


def table(rows):
    """[(name, Row, seconds)] as Markdown."""
    names = ["fault", *(HEADINGS.get(name, name) for name in Row.COLUMNS), "seconds"]
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    for name, row, seconds in rows:
        lines.append("| " + " | ".join([name, *(str(row.counts[c]) for c in Row.COLUMNS), f"{seconds:.0f}"]) + " |")
    return "\n".join(lines)
