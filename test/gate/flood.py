#!/usr/bin/python3
"""Many connections: 20,000 in turn, 10,000 at once, port scans; descriptors and memory stay."""
import resource
import select
import socket
import sys
import threading
import time

from harness import (CLIENT, PROXY, SERVER, STRANGER, Gate, Postfix, Session, isolate, listener,
                     needs, proxy_header, run_checks, sanitized, skip,
                     wait)

PORT = 2525
HEADER = proxy_header(CLIENT[0], SERVER[0])
RESET = b"\1\0\0\0\0\0\0\0"  # struct linger: close at once, with a reset


def in_threads(function, times, threads=8):
    errors = []

    def work():
        try:
            for _ in range(times // threads):
                function()
        except Exception as error:  # pylint: disable=broad-except
            errors.append(repr(error))
    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not errors, errors


def served():
    with Session(SERVER[0], PORT, PROXY[0], HEADER) as session:
        assert session.reply().startswith("220"), session.replies


def refused():
    with Session(SERVER[0], PORT, STRANGER[0], b"EHLO x\r\n") as session:
        assert session.reply().startswith("421"), session.replies


def scanned():
    """As port scanners do: closed at once, or reset."""
    for source in (PROXY[0], STRANGER[0]):
        with socket.create_connection((SERVER[0], PORT), source_address=(source, 0)) as scan:
            scan.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        socket.create_connection((SERVER[0], PORT), source_address=(source, 0)).close()


def settle():
    """Waits until nothing is under way, and gives descriptors and memory."""
    def idle():
        counts = GATE.counts()
        return counts["accepted"] == sum(counts[v] for v in (
            "proxied", "direct", "refused", "busy", "gone", "unanswered")) and counts
    counts = wait(idle, "the end of all connections", 60)
    wait(lambda: GATE.descriptors() == START, f"{START} descriptors, {GATE.descriptors()} are open")
    return counts, GATE.resident()


def in_turn():
    """20,000 connections in turn leave no descriptor open, and no memory taken"""
    in_threads(served, 400)
    in_threads(refused, 400)
    scanned()
    before = settle()[1]
    in_threads(served, 8000)
    in_threads(refused, 8000)
    in_threads(scanned, 1000)
    counts, after = settle()
    print(f"# {counts}")
    print(f"# descriptors: {START} before, {GATE.descriptors()} after; "
          f"memory: {before} kB before, {after} kB after")
    assert counts["accepted"] >= 20000, counts
    assert counts["busy"] == 0
    assert after - before <= 256 or sanitized()


def at_once():
    """10,000 connections at once: each gets an answer, and no descriptor is left open"""
    poll = select.epoll()
    clients, replies = {}, {"220": 0, "421": 0, "closed": 0}
    for _ in range(10000):
        one = socket.socket()
        one.bind((PROXY[0], 0))
        one.setblocking(False)
        one.connect_ex((SERVER[0], PORT))
        poll.register(one, select.EPOLLOUT)
        clients[one.fileno()] = one
    end = time.monotonic() + 120
    while clients and time.monotonic() < end:
        for number, events in poll.poll(1):
            one = clients[number]
            try:
                if events & select.EPOLLOUT:
                    one.sendall(HEADER)
                    poll.modify(one, select.EPOLLIN)
                    continue
                reply = one.recv(4).decode()[:3] or "closed"
            except OSError:
                reply = "closed"
            replies[reply] += 1
            poll.unregister(one)
            one.close()
            del clients[number]
    print(f"# {replies}, without an answer: {len(clients)}")
    assert not clients, "a client is stuck"
    assert replies["220"] > 0 and replies["closed"] == 0, replies
    counts, after = settle()
    print(f"# {counts}, memory: {after} kB")
    assert counts["unanswered"] == 0, counts


needs("postfix")
MOST = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
if MOST != resource.RLIM_INFINITY and MOST < 10100:
    skip("needs more than 10,000 descriptors (ulimit -Hn)")
resource.setrlimit(resource.RLIMIT_NOFILE, (MOST, MOST))
isolate()
with Postfix() as POSTFIX:
    with Gate(listener([f"{SERVER[0]}:{PORT}"], POSTFIX.service("gated")) +
              "queue_limit = 4000\n") as GATE:
        START = GATE.descriptors()
        STATUS = run_checks(in_turn, at_once)
        if STATUS:
            print(GATE.log()[-4000:])
sys.exit(STATUS)
