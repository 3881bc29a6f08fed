#!/usr/bin/python3
"""The ledger, case by case: what it must find, and why a second copy is nobody's fault, or ours."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
try:
    from ledger import KINDS, Copy, Ledger, Log, Row, body_of
except ModuleNotFoundError as error:
    print(f"skipped: needs python3-dkim ({error})")
    sys.exit(77)

TOKEN = "fault-test-internet.0.1."
NAMES = {"relay.test": "public", "home.test": "private"}
EVENT = {"token": TOKEN, "kind": "in", "size": 500}
SENT = "postfix/smtp[{}]: {}: to=<user@example.com>, relay=home.test, status={} ({})"


def copy(*hops, body=None, headers="", node="private"):
    """A message in a mailbox that came over the hosts HOST/QUEUE-ID, the first one first."""
    trace = "".join(f"Received: from x by {hop.split('/')[0]} (Postfix)\r\n\tid {hop.split('/')[1]}; now\r\n"
                    for hop in reversed(hops))
    return Copy(node, (f"{trace}{headers}Message-ID: <{TOKEN}@faults.test>\r\n\r\n"
                       f"{body_of(TOKEN, 500) if body is None else body}").encode())


def notice(number, original=""):
    """A bounce with what came back in it, which has a trace of its own if it was taken twice."""
    trace = f"Received: from x by relay.test (Postfix)\r\n\tid {original}; now\r\n" if original else ""
    return Copy("internet", (f"Received: by relay.test (Postfix)\r\n\tid B{number}; now\r\nMessage-ID: <{number}@relay.test>\r\n"
                             "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
                             f"--b\r\n\r\nIt failed.\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n{trace}Message-ID: <{TOKEN}@faults.test>\r\n--b--\r\n").encode())


ONE, OTHER = copy("relay.test/A1", "home.test/B1"), copy("relay.test/A1", "home.test/B2")
ONCE = [SENT.format(7, "A1", "sent", "250 ok")]
# what it shows; what the clients heard; copies; the relay's log; who was killed there; in a queue; what is counted beside
# "sent"
CASES = (
    ("all is well", ["accepted"], [ONE], ONCE, (), False, {"accepted": 1, "delivered": 1}),
    ("tried again", ["deferred", "accepted"], [ONE], ONCE, (), False, {"put off": 1, "accepted": 1, "delivered": 1}),
    ("lost", ["accepted"], [], ONCE, (), False, {"accepted": 1, "lost": 1}),
    ("still in a queue", ["accepted"], [], [], (), True, {"accepted": 1, "waiting": 1}),
    ("never taken", ["deferred", "unknown"], [], [], (), False, {"put off": 2, "kept": 1}),
    ("refused", ["refused"], [], [], (), False, {"refused": 1}),
    ("cut", ["accepted"], [copy("relay.test/A1", "home.test/B1", body="fault")], ONCE, (), False,
     {"accepted": 1, "delivered": 1, "damaged": 1}),
    ("the answer was lost", ["accepted"], [ONE, OTHER], ONCE, (), False, {"accepted": 1, "delivered": 1, "again": 1}),
    ("the answer was lost, as the log says", ["accepted"], [ONE, OTHER],
     [SENT.format(7, "A1", "deferred", "lost connection while sending end of data -- message may be sent more than once"),
      SENT.format(8, "A1", "sent", "250 ok")], (), False, {"accepted": 1, "delivered": 1, "again": 1}),
    ("sent twice though the answer was heard", ["accepted"], [ONE, OTHER], ONCE * 2, (), False,
     {"accepted": 1, "delivered": 1, "twice": 1}),
    ("whoever heard the answer was killed", ["accepted"], [ONE, OTHER],
     ONCE + [SENT.format(8, "A1", "sent", "250 ok")], (7,), False, {"accepted": 1, "delivered": 1, "again": 1}),
    ("twice into the mailbox", ["accepted"], [ONE, ONE], ONCE, (), False, {"accepted": 1, "delivered": 1, "twice": 1}),
    ("the client did not hear the answer", ["unknown", "accepted"], [ONE, copy("relay.test/A2", "home.test/B2")], ONCE, (),
     False, {"put off": 1, "accepted": 1, "delivered": 1, "again": 1}),
    ("the client sent it twice", ["accepted", "accepted"], [ONE, copy("relay.test/A2", "home.test/B2")], ONCE, (), False,
     {"accepted": 1, "delivered": 1, "twice": 1}),
    ("it came and came back", ["accepted"], [ONE, notice(1)], ONCE, (), False,
     {"accepted": 1, "delivered": 1, "bounced": 1, "twice": 1, "unsigned": 1}),
    ("two bounces", ["accepted"], [notice(1), notice(2)], [], (), False,
     {"accepted": 1, "bounced": 1, "twice": 1, "unsigned": 2}),
    ("two bounces of what the client sent twice", ["unknown", "accepted"], [notice(1, "A1"), notice(2, "A2")], [], (), False,
     {"put off": 1, "accepted": 1, "bounced": 1, "again": 1, "unsigned": 2}),
    ("two bounces of a host that was killed", ["accepted"], [notice(1), notice(2)], [], (9,), False,
     {"accepted": 1, "bounced": 1, "again": 1, "unsigned": 2}),
)


def judge(results, copies, log, killed, waits, kind="in"):
    ledger = Ledger(lambda name, timeout=5: None, NAMES)
    for result in results:
        ledger.attempt({**EVENT, "kind": kind, "result": result, "reply": ""})
    return ledger.judge(copies, {"public": Log("\n".join(log), killed), "private": Log("", killed)},
                        {TOKEN} if waits else set())


def main():
    failed = 0
    for name, *given, expected in CASES:
        counts = {column: count for column, count in judge(*given).counts.items() if count}
        if counts != {"sent": 1, **expected}:
            failed += 1
            print(f"FAILED {name}: {counts}")
    for kind in KINDS:  # a signature that nobody published, and none
        for headers in ("", "DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=mail; t=1; bh=YQ==; h=From; b=YQ==\r\n"):
            row = judge(["accepted"], [copy("home.test/A1", headers=headers)], [], (), False, kind)
            if row.counts["unsigned"] != bool(KINDS[kind].signer):
                failed += 1
                print(f"FAILED unsigned, {kind}: {row.counts}")
    for tags, wrong in (("d=example.net; s=old; t=1; x=864001", False), ("d=example.net; s=new; t=1; x=864001", True),
                        ("d=example.net; s=new; t=4102444800; x=4103308800", False), ("d=example.com; s=mail; t=1", True),
                        ("d=example.com; s=mail; t=1; x=864002", True), ("d=example.org; s=mail; t=1", False)):
        if bool(copy(headers=f"DKIM-Signature: v=1; {tags}; b=YQ==\r\n").wrong_times()) != wrong:
            failed += 1
            print(f"FAILED {tags}")
    if set(Row.MUST_BE_ZERO) - set(Row.COLUMNS):
        failed += 1
    print(f"{len(CASES) + 2 * len(KINDS) + 7} cases, {failed} failed")
    sys.exit(bool(failed))


main()
