#!/usr/bin/python3
"""chaos.py [SECONDS [SEED]]: everything at once that clients, Postfix and who runs it may do wrong, in an order
by chance: scans, resets, half messages, forged headers, a socket that is missing, a file or closed to the gate,
Postfix halted, reloads with and without mistakes. Afterwards the gate has as many descriptors as before,
has counted each connection once, and serves.
"""
import os
import random
import signal
import socket
import sys
import threading
import time

from harness import (CLIENT, INSIDE, PROXY, SERVER, STRANGER, Gate, Postfix, Session, isolate, listener,
                     needs, proxy_header, run_checks, wait)

SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else 6
SEED = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1 << 32)
PORT = 2525
SPARE = 2526  # a port that comes and goes
RESET = b"\1\0\0\0\0\0\0\0"  # struct linger
over = threading.Event()


def connect(chance):
    """One client. Whatever it hears or not is right."""
    family = chance.randrange(2)
    source = chance.choice((PROXY, STRANGER, INSIDE))[family]
    port = PORT if chance.random() < 0.8 else SPARE
    header = chance.choice((b"", b"EHLO x\r\n", b"QUIT\r\n", b"PROXY ", b"PROXY TCP4 127.0.0.1\r\n",
                            b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff", b"A" * 5000,
                            proxy_header(CLIENT[family], SERVER[family]),
                            proxy_header(CLIENT[family], SERVER[family], 2) + b"EHLO x\r\nQUIT\r\n"))
    try:
        with socket.create_connection((SERVER[family], port), 2, (source, 0)) as client:
            client.sendall(header)
            end = chance.randrange(4)
            if end == 0:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            elif end == 1:
                client.shutdown(socket.SHUT_WR)
            if end:
                client.settimeout(chance.random())
                client.recv(100)
    except OSError:
        pass


def clients(seed):
    chance = random.Random(seed)
    while not over.is_set():
        connect(chance)


def spoil(chance):
    """Spoils something, for a moment; then it is as it was."""
    path, away = POSTFIX.service("gated"), POSTFIX.service("gated") + ".away"
    what = chance.randrange(7)
    if what == 0:
        os.rename(path, away)
        time.sleep(chance.random())
        os.rename(away, path)
    elif what == 1:
        os.rename(path, away)
        with open(path, "w", encoding="ascii"):
            time.sleep(chance.random())
        os.rename(away, path)
    elif what == 2:
        os.chmod(path, 0)
        time.sleep(chance.random())
        os.chmod(path, 0o666)
    elif what == 3:  # its clients are handed over, and wait there
        daemons = smtpds()
        for process in daemons:
            stop(process, signal.SIGSTOP)
        time.sleep(chance.random())
        for process in daemons:
            stop(process, signal.SIGCONT)
    elif what == 4:
        GATE.write(configuration(chance.random() < 0.5))
        GATE.process.send_signal(signal.SIGHUP)
    elif what == 5:
        GATE.write("listener \"smtp\" {")
        GATE.process.send_signal(signal.SIGHUP)
    else:
        POSTFIX.postfix("reload")


def smtpds():
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and runs_smtpd(name)]


def runs_smtpd(process):
    try:
        with open(f"/proc/{process}/comm", encoding="ascii") as file:
            return file.read().strip() == "smtpd"
    except (FileNotFoundError, ProcessLookupError):
        return False


def stop(process, number):
    try:
        os.kill(process, number)
    except ProcessLookupError:
        pass


def configuration(with_spare):
    gated, direct = POSTFIX.service("gated"), POSTFIX.service("direct")
    both = [f"{SERVER[0]}:{PORT}", f"[{SERVER[1]}]:{PORT}"]
    spare = [f"{SERVER[0]}:{SPARE}", f"[{SERVER[1]}]:{SPARE}"]
    return (listener(both, gated, direct) + "wait_seconds = 1\nqueue_limit = 20\n" +
            'metrics = "' + POSTFIX.folder + '/data/metrics"\n' +
            (listener(spare, gated, name="spare") if with_spare else ""))


def endure():
    """the gate outlives everything, loses no descriptor, counts everything, and serves"""
    chance = random.Random(SEED)
    workers = [threading.Thread(target=clients, args=(SEED + n,)) for n in range(8)]
    for worker in workers:
        worker.start()
    try:
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            spoil(chance)
            assert GATE.process.poll() is None, "the gate ended"
    finally:
        over.set()
        for worker in workers:
            worker.join()
    GATE.write(configuration(False))
    GATE.signal(signal.SIGHUP, "reloaded ")
    wait(lambda: GATE.descriptors() == BEFORE, f"{BEFORE} descriptors, {GATE.descriptors()} are open")
    counts = GATE.counts()
    print(f"# {counts}")
    assert counts["accepted"] == sum(counts[v] for v in (
        "proxied", "direct", "refused", "busy", "gone", "unanswered")), counts
    assert counts["proxied"] and counts["direct"], counts
    before = GATE.cpu()
    time.sleep(1)
    assert GATE.cpu() - before < 0.2, "a busy loop"
    for source, header in ((PROXY[0], proxy_header(CLIENT[0], SERVER[0])), (INSIDE[0], b"")):
        with Session(SERVER[0], PORT, source, header) as session:
            assert session.reply().startswith("220"), session.replies
    lines = GATE.log().count("\n")
    print(f"# {lines} lines in the log for {counts['accepted']} connections")
    assert lines < 40 * SECONDS + 200, "a flood of lines"
    assert GATE.stop() == 0 and "Sanitizer" not in GATE.log(), GATE.log()


needs("postfix")
isolate()
print(f"# seed {SEED}")
with Postfix(main="default_process_limit = 8\nservice_throttle_time = 1s\n"
             "smtpd_upstream_proxy_timeout = 1s\n") as POSTFIX:
    with Gate(configuration(False), user="postfix") as GATE:
        BEFORE = GATE.descriptors()
        STATUS = run_checks(endure)
        if STATUS:
            print(GATE.log()[-6000:], POSTFIX.log()[-3000:])
sys.exit(STATUS)
