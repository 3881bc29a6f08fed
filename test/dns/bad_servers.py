#!/usr/bin/python3
"""Name servers that are not there, fail, stall, lie or talk without end: nsd does none of this, so a
server of our own stands in for them. `dns --verify` ends in time, says what it could not learn, and
repeats nothing that could speak to a terminal."""
import json
import os
import socket
import struct
import tempfile
import threading
import time

from served import Checks, confgen

SOURCE = os.environ["POSTERN_SOURCE"]
A, CNAME, SOA, PTR, MX, TXT, AAAA, SRV, TLSA = 1, 5, 6, 12, 15, 16, 28, 33, 52


def name_of(labels):
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def text(*strings):
    return b"".join(bytes([len(s)]) + s for s in strings)


def question(query):
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]])
        at += query[at] + 1
    return labels, struct.unpack(">H", query[at + 1:at + 3])[0], query[12:at + 5]


def answer(query, records=(), flags=0x8180):
    asked = question(query)[2]
    return (query[:2] + struct.pack(">HHHHH", flags, 1, len(records), 0, 0) + asked +
            b"".join(b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(data)) + data for kind, data in records))


class Server:
    """`udp` and `tcp` give what a query is answered with: octets, or None for silence."""

    def __init__(self, udp, tcp=None):
        self.answer_udp, self.answer_tcp, self.count = udp, tcp, 0
        while True:
            self.udp, self.tcp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.socket()
            self.udp.bind(("127.0.0.1", 0))
            self.port = self.udp.getsockname()[1]
            try:
                self.tcp.bind(("127.0.0.1", self.port))
                break
            except OSError:
                self.udp.close()
        self.tcp.listen(50)
        for work in (self.serve_udp, self.serve_tcp):
            threading.Thread(target=work, daemon=True).start()

    def serve_udp(self):
        while True:
            query, client = self.udp.recvfrom(4096)
            self.count += 1
            data = self.answer_udp(query)
            if data is not None:
                self.udp.sendto(data, client)

    def serve_tcp(self):
        while True:
            client, _ = self.tcp.accept()
            threading.Thread(target=self.serve_client, args=(client,), daemon=True).start()

    def serve_client(self, client):
        try:
            size = struct.unpack(">H", client.recv(2))[0]
            data = self.answer_tcp(client.recv(size)) if self.answer_tcp else None
            if data is not None:
                client.sendall(struct.pack(">H", len(data)) + data)
        except (OSError, struct.error):
            pass
        client.close()


def verify(tests, name, server, topology, keys, status, *arguments, limit=20):
    began = time.monotonic()
    done = confgen("dns", "--verify", "-r", f"127.0.0.1:{server if isinstance(server, int) else server.port}",
                   "-k", keys, *arguments, topology, status=status)
    tests.check(f"{name}: in time", time.monotonic() - began < limit, time.monotonic() - began)
    for stream in (done.stdout, done.stderr):
        tests.check(f"{name}: no control characters", not any(c < " " and c != "\n" or c in "\x7f\u202e" for c in stream),
                    repr(stream))
    return done


HOSTILE = b"\x1b]0;owned\x07\x1b[2J<script>alert(1)</script>\xff\xfe\r\n::error::x\0]]>&\"'" + "\u202e".encode()


def hostile(query):
    """Whatever is asked for: strange octets in every field that there is."""
    kind = question(query)[1]
    evil = name_of([b"\x1b[31m<b>", b"x" * 63, b"\0\n"])
    records = {TXT: [(TXT, text(b"v=spf1 " + HOSTILE)), (TXT, text(b"v=DMARC1; p=" + HOSTILE)),
                     (TXT, text(b"v=STSv1; id=" + HOSTILE)), (TXT, text(b"v=TLSRPTv1; rua=" + HOSTILE))],
               MX: [(MX, b"\0\5" + evil)], PTR: [(PTR, evil)], SRV: [(SRV, b"\0\0\0\0\0\1" + evil)],
               CNAME: [(CNAME, evil)], A: [(A, b"\1\2\3\4")], AAAA: [(AAAA, b"\x20" * 16)]}
    return answer(query, records.get(kind, []))


def huge(query):
    """As many records as fit, over TCP."""
    kind = question(query)[1]
    data = {A: b"\1\2\3\4", AAAA: b"\x20" * 16, TXT: text(b"v=spf1 " + b"include:a.example " * 13),
            MX: b"\0\1\2mx\0", PTR: b"\2mx\0", SRV: b"\0\0\0\0\0\1\2mx\0"}.get(kind, b"\0")
    return answer(query, [(kind, data)] * (60000 // (len(data) + 12)))


def endless_spf(query):
    """Each name includes two others, without end; all else is not there."""
    labels, kind, _ = question(query)
    name = b".".join(labels)
    if kind != TXT or b"_" in name or b"probe" in name:
        return answer(query)
    return answer(query, [(TXT, text(b"v=spf1 include:a" + name[:80] + b" include:b" + name[:80] + b" -all"))])


def main():
    tests = Checks()
    with tempfile.TemporaryDirectory() as folder:
        topology, keys = f"{SOURCE}/examples/dms-relay/topology.yaml", os.path.join(folder, "keys")
        confgen("keys", "-k", keys, "-t", "ed25519", topology)
        closed = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        closed.close()
        done = verify(tests, "unreachable", port, topology, keys, 3)
        tests.check("unreachable: said", "no name server answers" in done.stderr, done)
        silent = Server(lambda query: None)
        done = verify(tests, "silent", silent, topology, keys, 3)
        tests.check("silent: said", "no name server answers" in done.stderr, done)
        tests.check("silent: given up", silent.count <= 4, silent.count)

        done = verify(tests, "SERVFAIL", Server(lambda query: answer(query, flags=0x8182)), topology, keys, 1)
        tests.check("SERVFAIL: said", "SERVFAIL" in done.stdout and "dns-missing" not in done.stdout, done.stdout)
        done = verify(tests, "REFUSED", Server(lambda query: answer(query, flags=0x8185)), topology, keys, 1)
        tests.check("REFUSED: said", "dns-unanswered" in done.stdout and "dns-missing" not in done.stdout, done.stdout)
        done = verify(tests, "broken", Server(lambda query: answer(query)[:-3]), topology, keys, None)
        tests.check("broken: nothing learnt", "dns-missing" not in done.stdout, done.stdout)
        done = verify(tests, "NXDOMAIN", Server(lambda query: answer(query, flags=0x8183)), topology, keys, 1)
        tests.check("NXDOMAIN: missing", done.stdout.count("[dns-missing]") >= 5, done.stdout)

        # what is too long for UDP comes over TCP
        def cut(query):
            return answer(query, flags=0x8380)
        done = verify(tests, "truncated", Server(cut, lambda query: answer(query, flags=0x8183)), topology, keys, 1)
        tests.check("truncated: asked over TCP", "dns-unanswered" not in done.stdout and "dns-missing" in done.stdout, done.stdout)
        done = verify(tests, "truncated without TCP", Server(cut), topology, keys, 1)
        tests.check("truncated without TCP: said", "dns-unanswered" in done.stdout and "dns-missing" not in done.stdout, done.stdout)

        slow = Server(lambda query: time.sleep(1) or answer(query))
        done = verify(tests, "slow", slow, topology, keys, 3, "--timeout", "3", limit=10)
        tests.check("slow: said", "--timeout" in done.stderr, done)

        for form in ("text", "gcc", "json", "sarif", "github", "gitlab", "junit"):
            done = verify(tests, f"hostile in {form}", Server(hostile), topology, keys, 1, "-f", form)
            tests.check(f"hostile in {form}: found", "dns-" in done.stdout, done.stdout)
            if form == "junit":
                tests.check("no markup", "<script>" not in done.stdout and "<b>" not in done.stdout, done.stdout)
            if form == "github":
                tests.check("no commands", "\n::error::x" not in done.stdout, done.stdout)
            if form in ("json", "sarif", "gitlab"):
                json.loads(done.stdout)
        done = verify(tests, "huge", Server(cut, huge), topology, keys, 1)
        tests.check("huge: bounded", len(done.stdout) < 200000, len(done.stdout))
        endless = Server(endless_spf)
        done = verify(tests, "endless SPF", endless, topology, keys, 1)
        tests.check("endless SPF: said", "dns-spf-lookups" in done.stdout, done.stdout)
        tests.check("endless SPF: bounded", endless.count < 400, endless.count)
    tests.end()


main()
