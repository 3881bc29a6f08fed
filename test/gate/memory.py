#!/usr/bin/python3
"""postern-gate under valgrind: every sort of connection, reloads and the stop, without an error, a
leak or a descriptor left open."""
import os
import re
import signal
import sys

from harness import (CLIENT, INSIDE, PROXY, SERVER, STRANGER, Gate, Postfix, Session, isolate,
                     listener, needs, proxy_header, run_checks, sanitized, skip, wait)

PORT = 2525
VALGRIND = ["valgrind", "--error-exitcode=9", "--leak-check=full", "--track-fds=yes",
            "--errors-for-leak-kinds=definite,indirect,possible"]


def text(postfix, **settings):
    return (listener([f"{SERVER[0]}:{PORT}", f"[{SERVER[1]}]:{PORT}"], postfix.service("gated"),
                     postfix.service("direct")) +
            listener([f"{SERVER[0]}:{PORT + 1}"], postfix.service("gated"), name="closed") +
            listener([f"{SERVER[0]}:{PORT + 2}"], "/nowhere/gated", name="away", **settings) +
            'wait_seconds = 1\n' + f'metrics = "{postfix.folder}/data/metrics"\n')


def everything():
    """no error, no leak, no descriptor left"""
    with Postfix() as postfix:
        with Gate(text(postfix), prefix=VALGRIND) as one:
            for _ in range(5):
                for server, proxy, client, inside in zip(SERVER, PROXY, CLIENT, INSIDE):
                    for source, header in ((proxy, proxy_header(client, server)), (inside, b"")):
                        with Session(server, PORT, source, header) as session:
                            assert session.reply().startswith("220"), session.replies
                for port, source in ((PORT + 1, STRANGER[0]), (PORT + 2, PROXY[0])):
                    with Session(SERVER[0], port, source, b"EHLO x\r\n") as session:
                        assert session.reply().startswith("421"), session.replies
                Session(SERVER[0], PORT + 2, PROXY[0]).close()
                one.signal(signal.SIGHUP, "reloaded")
            one.write("listener {")
            one.signal(signal.SIGHUP, "not reloaded")
            one.write(re.sub(r'listener "closed".*?\n}\n', "", text(postfix), flags=re.S))
            one.signal(signal.SIGHUP, "reloaded")
            one.signal(signal.SIGUSR1, "listener=away")
            assert os.path.exists(f"{postfix.folder}/data/metrics")
            with Session(SERVER[0], PORT + 2, PROXY[0]):
                wait(lambda: "there is no such socket" in one.log(), one.log())
                status = one.stop()
            assert status == 0, one.log()
            summary = re.search(r"FILE DESCRIPTORS: (\d+) open \((\d+) std\)", one.log())
            # the log of this test is inherited
            print(f"# {summary.group(0)}, {re.search('ERROR SUMMARY.*', one.log()).group(0)}")
            assert int(summary.group(1)) == 3, one.log()


needs("postfix", "valgrind")
if sanitized():
    skip("valgrind cannot run what has sanitizers in it")
isolate()
sys.exit(run_checks(everything))
