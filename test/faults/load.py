"""A client that sends mail on a node of the lab as a patient sender does: what is put off is tried again.

Reads a request as JSON in the first line, and prints one JSON line for each attempt: token, kind, size, result
(accepted, deferred, refused, unknown) and the reply. The second line, or its end, has it send no new messages; it
ends when none is left to try again, or after the seconds that this line gives.
"""
import hashlib
import json
import random
import smtplib
import socket
import ssl
import subprocess
import sys
import threading
import time

REQUEST = json.loads(sys.stdin.readline())
OVER = threading.Event()
GIVE_UP = [float("inf")]
PRINT = threading.Lock()
CONTEXT = ssl._create_unverified_context()


def body_of(token, size):
    line = hashlib.sha256(token.encode()).hexdigest()
    return f"{token}\r\n" + f"{line}\r\n" * (size // 66)


def compose(token, kind, size):
    return (f"From: <{kind['sender']}>\r\nTo: <{kind['recipient']}>\r\nSubject: fault\r\n"
            f"Date: Mon, 02 Mar 2026 10:00:00 +0000\r\nMessage-ID: <{token}@faults.test>\r\n\r\n"
            + body_of(token, size))


def tell(token, kind, size, result, reply):
    with PRINT:
        print(json.dumps({"token": token, "kind": kind["name"], "size": size, "result": result, "reply": reply,
                          "time": time.time()}), flush=True)
    return result


def judge(code):
    return "accepted" if code == 250 else "refused" if code >= 500 else "deferred"


def give(client, message, pause):
    """The data, with a pause in the middle, as from a slow line."""
    code, text = client.docmd("DATA")
    if code != 354:
        return judge(code) if code != 250 else "deferred", text
    octets = message.encode() + b".\r\n"
    try:
        client.sock.sendall(octets[:len(octets) // 2])
        time.sleep(pause)
        client.sock.sendall(octets[len(octets) // 2:len(octets) - 3])
    except OSError as error:
        return "deferred", repr(error)  # without its last dot it was not taken
    try:
        client.sock.sendall(octets[-3:])
        code, text = client.getreply()
    except (OSError, smtplib.SMTPServerDisconnected) as error:
        return "unknown", repr(error)
    return judge(code), text


def connect(kind):
    client = smtplib.SMTP(kind["server"], kind["port"], "client.elsewhere.test", timeout=REQUEST["timeout"],
                          source_address=(kind["source"], 0) if kind.get("source") else None)
    client.ehlo()
    if kind.get("login"):
        client.starttls(context=CONTEXT)
        client.ehlo()
        client.login(kind["sender"], REQUEST["password"])
    return client


def transact(kind, message, pause):
    """One attempt by SMTP: (result, reply)."""
    try:
        client = connect(kind)
    except smtplib.SMTPResponseException as error:
        return "deferred", str(error)
    except (OSError, smtplib.SMTPException, EOFError) as error:
        return "deferred", repr(error)
    try:
        for command in (f"MAIL FROM:<{kind['sender']}>", f"RCPT TO:<{kind['recipient']}>"):
            code, text = client.docmd(command)
            if code != 250:
                return judge(code), text.decode(errors="replace")
        result, text = give(client, message, pause)
        return result, text.decode(errors="replace") if isinstance(text, bytes) else text
    except (OSError, smtplib.SMTPException) as error:
        return "deferred", repr(error)
    finally:
        client.close()


def post(kind, message):
    """One attempt by sendmail(1)."""
    done = subprocess.run(["/usr/sbin/sendmail", "-i", "-f", kind["sender"], kind["recipient"]], check=False,
                          input=message.replace("\r\n", "\n").encode(), stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    # sendmail and postdrop tell temporary failures from others no better than by EX_TEMPFAIL and EX_UNAVAILABLE
    return ("accepted" if done.returncode == 0 else "deferred"), f"{done.returncode} {done.stdout.decode()[-200:]}"


def attempt(message):
    token, kind, size, pause = message
    text = compose(token, kind, size)
    result, reply = post(kind, text) if kind.get("local") else transact(kind, text, pause)
    return tell(token, kind, size, result, reply)


def work(number, chance):
    pending = []
    count = 0
    while time.monotonic() < GIVE_UP[0]:
        if OVER.is_set() and not pending:
            break
        if not OVER.is_set():
            kind = REQUEST["kinds"][(count + number) % len(REQUEST["kinds"])]
            pending.append((f"{REQUEST['mark']}.{number}.{count}.", kind, chance.choice(REQUEST["sizes"]),
                            chance.choice(REQUEST["pauses"])))
            count += 1
        # new ones and a few old ones: a queue that only grew would not be tried again
        for message in pending[-1:] + pending[:-1][:2]:
            pending.remove(message)
            if attempt(message) not in ("accepted", "refused"):
                pending.insert(len(pending) // 2, message)
        OVER.wait(chance.uniform(0, 2 * REQUEST["rest"])) if not OVER.is_set() else time.sleep(0.1)


def main():
    socket.setdefaulttimeout(REQUEST["timeout"])
    threads = [threading.Thread(target=work, args=(n, random.Random(f"{REQUEST['seed']}-{n}")))
               for n in range(REQUEST["clients"])]
    for thread in threads:
        thread.start()
    line = sys.stdin.readline().strip()
    GIVE_UP[0] = time.monotonic() + float(line or 0)
    OVER.set()
    for thread in threads:
        thread.join()


main()
