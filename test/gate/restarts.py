#!/usr/bin/python3
"""32 clients deliver mail all the time, while Postfix and the gate reload and restart: none is lost.

A message is lost when its client had a 250 and no mailbox has it. A client that is refused for the
moment (421, or a closed connection) tries again, as mail servers do; how often is printed. Clients
pause within their sessions: 32 are open all the time, and the machine is not busy with them alone.
"""
import re
import signal
import sys
import threading
import time

from harness import (CLIENT, INSIDE, PROXY, SERVER, Gate, Postfix, Session, isolate, listener, needs,
                     proxy_header, run_checks, wait)

CLIENTS = 32
PAUSE = 0.2  # seconds, of a client between greeting and message
LONG = 240   # seconds: longer than Postfix takes to restart, however busy the machine
PORT = 25  # opened as root, which the gate is not any more when it reloads
accepted = []
again = []
stop = threading.Event()
failed = threading.Event()  # nothing will be accepted any more
lock = threading.Lock()


def deliver(number, turn):
    """One message, until it is accepted."""
    text = f"mail-{number}-{turn}-of-this-run"
    family = number % 2
    if number % 4 < 2:
        source, header = PROXY[family], proxy_header(CLIENT[family], SERVER[family], 1 + family)
    else:
        source, header = INSIDE[family], b""
    while not failed.is_set():
        reply = ""
        try:
            with Session(SERVER[family], PORT, source, header, timeout=LONG) as session:
                reply = session.reply()
                if reply.startswith("220"):
                    time.sleep(PAUSE)
                    reply = session.send("a@elsewhere.test", "user@gate.test",
                                         f"X: {text}\n\nhello")
        except OSError as error:
            reply = repr(error)
        with lock:
            if reply.startswith("250"):
                accepted.append(text)
                return
            again.append(reply)
        time.sleep(0.05)


def work(number):
    turn = 0
    while not stop.is_set():
        deliver(number, turn)
        turn += 1


def under_load(action, times, pause):
    """Does something again and again while mail flows."""
    del accepted[:], again[:]
    stop.clear()
    workers = [threading.Thread(target=work, args=(n,)) for n in range(CLIENTS)]
    for worker in workers:
        worker.start()
    try:
        for _ in range(times):
            time.sleep(pause)
            action()
    except Exception:
        failed.set()
        raise
    finally:
        stop.set()
    for worker in workers:
        worker.join(LONG)
        assert not worker.is_alive(), "a client is stuck"
    assert len(accepted) > CLIENTS, "mail flows"
    wait_while_mail_arrives()
    kinds = {}
    for reply in again:
        kinds[reply[:40]] = kinds.get(reply[:40], 0) + 1
    print(f"# {len(accepted)} accepted and delivered, tried again: {kinds or 'none'}")


def wait_while_mail_arrives():
    """Until all that was accepted is there. Postfix may be slow, and then has a backlog."""
    missing = set(accepted)
    while missing:
        before = len(missing)

        def fewer():
            missing.difference_update(delivered())
            return not missing or len(missing) < before  # pylint: disable=cell-var-from-loop
        wait(fewer, f"{before} accepted messages, one of them {min(missing)}")


def delivered():
    return {found.group(1) for found in
            (re.search(r"^X: (\S+)", text, re.M) for text in POSTFIX.mail()) if found}


def gate_reload():
    """the gate reloads: not one session is disturbed"""
    under_load(lambda: GATE.signal(signal.SIGHUP, "reloaded"), 20, 0.1)
    assert not again, again


def postfix_reload():
    """Postfix reloads: not one connection is refused, and no mail is lost"""
    under_load(lambda: POSTFIX.postfix("reload"), 4, 0.7)
    # a session in work may be told so by an smtpd that ends; who waits for one is not
    assert not [reply for reply in again if "4.3.2" in reply], again


def start():
    """Its check of the queue fails when a session of before has yet to write a file there."""
    for attempt in range(10):
        try:
            POSTFIX.postfix("start")
            return
        except RuntimeError:
            if attempt == 9:
                raise
            time.sleep(1)


def postfix_restart():
    """Postfix stops and starts: who comes meanwhile waits, and no mail is lost"""
    def restart():
        POSTFIX.postfix("stop")
        time.sleep(1)
        start()
    under_load(restart, 3, 1)
    assert not [reply for reply in again if "4.3.2" in reply], again
    assert "takes connections again" in GATE.log(), GATE.log()


def master_killed():
    """Postfix is killed: what it had not taken is handed over again, and no mail is lost"""
    def kill():
        with open(f"{POSTFIX.folder}/queue/pid/master.pid", encoding="ascii") as file:
            master = int(file.read())
        POSTFIX.postfix("abort")
        wait(lambda: not alive(master), "the end of the master")
        start()
    under_load(kill, 3, 1)
    assert not [reply for reply in again if "4.3.2" in reply], again


def alive(process):
    try:
        with open(f"/proc/{process}/stat", encoding="ascii") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def nothing_left():
    """no descriptor and no client is left over, and the counts add up"""
    wait(lambda: GATE.descriptors() == BEFORE, f"{BEFORE} descriptors, not {GATE.descriptors()}")
    counts = GATE.counts()
    assert counts["accepted"] == sum(counts[v] for v in (
        "proxied", "direct", "refused", "busy", "gone", "unanswered")), counts
    assert counts["proxied"] and counts["direct"], counts
    print(f"# {counts}")


needs("postfix")
isolate()
with Postfix(main="default_process_limit = 12\n"
             "service_throttle_time = 1s\n") as POSTFIX:
    with Gate(listener([f"{SERVER[0]}:{PORT}", f"[{SERVER[1]}]:{PORT}"], POSTFIX.service("gated"),
                       POSTFIX.service("direct")) + f"wait_seconds = {LONG}\n") as GATE:
        BEFORE = GATE.descriptors()
        STATUS = run_checks(gate_reload, postfix_reload, postfix_restart, master_killed,
                            nothing_left, each_needs_the_last=True)
        if STATUS:
            print(GATE.log(), POSTFIX.log()[-3000:])
sys.exit(STATUS)
