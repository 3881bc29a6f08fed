#!/usr/bin/python3
"""Name servers that lie, stall or answer in pieces. nsd does none of this, so a server of our own
stands in for them; what is asked for is asked by the program that shows keys."""
import os
import re
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

PROGRAM = os.path.join(os.environ.get("POSTERN_BUILD", "build/dev"), "test/services/dkim_keys")
failures = []
checked = 0


def check(name, good, detail=""):
    global checked
    checked += 1
    if not good:
        failures.append(name)
        print(f"FAILED {name}: {detail}", flush=True)


def record(text):
    data = b"".join(bytes([len(text[i:i + 255])]) + text[i:i + 255] for i in range(0, len(text), 255))
    return b"\xc0\x0c" + struct.pack(">HHIH", 16, 1, 60, len(data)) + data


def question(query):
    end = 12
    while query[end]:
        end += query[end] + 1
    return query[12:end + 5]


def answer(query, *texts, identifier=None, flags=0x8180, asked=None, count=None):
    asked = question(query) if asked is None else asked
    number = identifier if identifier is not None else query[:2]
    return (number + struct.pack(">HHHHH", flags, 1 if asked else 0, len(texts) if count is None else count, 0, 0) +
            asked + b"".join(record(text) for text in texts))


class Server:
    """Over UDP, and TCP on the same port. `udp` gives the datagrams that a query gets, `tcp` the octets."""

    def __init__(self, udp, tcp=None):
        self.udp_answers, self.tcp_answer, self.asked = udp, tcp, []
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.tcp = socket.socket()
        while True:
            self.udp.bind(("127.0.0.1", 0))
            self.port = self.udp.getsockname()[1]
            try:
                self.tcp.bind(("127.0.0.1", self.port))
                break
            except OSError:
                self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.tcp.listen()
        for work in (self.serve_udp, self.serve_tcp):
            threading.Thread(target=work, daemon=True).start()

    def serve_udp(self):
        while True:
            query, client = self.udp.recvfrom(4096)
            self.asked.append(query)
            for data in self.udp_answers(query):
                self.udp.sendto(data, client)

    def serve_tcp(self):
        while True:
            client, _ = self.tcp.accept()
            query = client.recv(4096)
            if self.tcp_answer:
                try:
                    for piece in self.tcp_answer(query[2:]):
                        client.sendall(piece)
                        time.sleep(0.002)
                except OSError:  # it has heard enough
                    pass
            client.close()


def framed(data):
    return struct.pack(">H", len(data)) + data


def main():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "key")
        subprocess.run(["openssl", "genpkey", "-quiet", "-algorithm", "ED25519", "-out", path], check=True)

        def ask(server):
            began = time.time()
            result = subprocess.run([PROGRAM, "--dns", f"127.0.0.1:{server.port}", "Example.com", "mail", path],
                                    check=False, stdout=subprocess.PIPE, text=True, timeout=30)
            took = time.time() - began
            check("within its time", took < 20, took)
            return result.stdout.split(": ")[1] if ": " in result.stdout else f"status {result.returncode}"

        zone = subprocess.run([PROGRAM, "Example.com", "mail", path], check=True, stdout=subprocess.PIPE, text=True).stdout
        text = re.search('"(.*)"', zone).group(1).encode()
        long = text.replace(b"; k=", b"; n=" + b"x" * 3000 + b"; k=")
        other = b"v=DKIM1; p="

        def flipped(data):
            return bytes([data[0] ^ 1, data[1]])

        truncated = 0x8380
        for name, udp, tcp, wanted in (
                ("plain", lambda q: [answer(q, text)], None, "good"),
                ("name in capitals", lambda q: [answer(q, text, asked=question(q).upper())], None, "good"),
                ("none", lambda q: [answer(q)], None, "missing"),
                ("NXDOMAIN", lambda q: [answer(q, flags=0x8183)], None, "missing"),
                ("SERVFAIL", lambda q: [answer(q, flags=0x8182)], None, "unknown"),
                ("SERVFAIL without question", lambda q: [answer(q, flags=0x8182, asked=b"")], None, "unknown"),
                ("silent", lambda q: [], None, "unknown"),
                # what a forger may send before the true answer
                ("other ID first", lambda q: [answer(q, other, identifier=flipped(q)), answer(q, text)], None, "good"),
                ("other question first", lambda q: [answer(q, other, asked=question(q).replace(b"mail", b"nail").replace(
                    b"MAIL", b"NAIL")), answer(q, text)], None, "good"),
                ("no question first", lambda q: [answer(q, other, asked=b""), answer(q, text)], None, "good"),
                ("the query first", lambda q: [q, answer(q, text)], None, "good"),
                ("pieces first", lambda q: [b"", b"x", q[:2], answer(q, text)[:13], answer(q, text)], None, "good"),
                ("only other IDs", lambda q: [answer(q, text, identifier=flipped(q))] * 5, None, "unknown"),
                # broken
                ("cut", lambda q: [answer(q, text)[:-5]], None, "unknown"),
                ("too many counted", lambda q: [answer(q, text, count=9)], None, "unknown"),
                ("name that points to itself", lambda q: [answer(q, count=1) + b"\xc0" + bytes([12 + len(question(q))]) + b"\0" * 20], None, "unknown"),
                ("NULs", lambda q: [answer(q, b"v=DKIM1\0; p=")], None, "unusable"),
                # truncated
                ("TCP", lambda q: [answer(q, flags=truncated)], lambda q: [framed(answer(q, long))], "good"),
                ("TCP in pieces", lambda q: [answer(q, flags=truncated)],
                 lambda q: [framed(answer(q, text))[i:i + 1] for i in range(len(framed(answer(q, text))))], "good"),
                ("TCP cut", lambda q: [answer(q, flags=truncated)], lambda q: [framed(answer(q, text))[:-1]], "unknown"),
                ("TCP with another ID", lambda q: [answer(q, flags=truncated)],
                 lambda q: [framed(answer(q, text, identifier=flipped(q)))], "unknown"),
                ("TCP truncated", lambda q: [answer(q, flags=truncated)], lambda q: [framed(answer(q, flags=truncated))], "unknown"),
                ("TCP closed", lambda q: [answer(q, flags=truncated)], None, "unknown")):
            server = Server(udp, tcp)
            got = ask(server)
            check(name, got == wanted, got)
            check(f"{name}: asked at most twice", len(server.asked) <= 2, len(server.asked))
        identifiers = {server.asked[0][:2] for server in
                       [one for one in (Server(lambda q: [answer(q, text)]) for _ in range(8)) if ask(one)]}
        check("IDs differ", len(identifiers) > 5, identifiers)
    print(f"{checked} checks, {len(failures)} failed")
    sys.exit(1 if failures else 0)


main()
