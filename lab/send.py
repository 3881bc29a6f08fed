"""Sends the messages of a booted lab, and tells what became of each: send.py LAB_FOLDER.

A client runs on the node that has its address. What became of a message is read from the logs of all
nodes, which are followed by its Message-ID, and from where it arrived. Prints a JSON array, an object
for each message in the order of messages.json.
"""
import base64
import collections
import json
import os
import re
import subprocess
import sys
import time

DRIVER = r'''
import base64, concurrent.futures, json, socket, ssl, subprocess, sys, time

def read(file):
    text = ""
    while True:
        line = file.readline().decode(errors="replace")
        if not line:
            raise ConnectionError("the connection was closed")
        text += line[4:].strip() + " "
        if line[3:4] != "-":
            return int(line[:3]), text.strip()

class Refused(Exception):
    pass

def talk(m):
    family = socket.AF_INET6 if ":" in m["server"] else socket.AF_INET
    s = socket.socket(family, socket.SOCK_STREAM)
    s.settimeout(60)
    s.bind((m["client"], 0))
    try:
        s.connect((m["server"], m["port"]))
    except OSError as error:
        return {"unreachable": str(error)}
    context = ssl._create_unverified_context()
    header = f"PROXY TCP{6 if ':' in (m['claims'] or '') else 4} " \
             f"{m['claims']} {m['server']} 40000 {m['port']}\r\n".encode()
    if m["claims"] and not m["early"]:
        s.sendall(header)
    if m["wrapped"]:
        try:
            s = context.wrap_socket(s)
        except OSError as error:
            return {"unreachable": "no TLS: " + str(error)}
    file = s.makefile("rb")
    def command(text, wanted=(250,)):
        s.sendall(text.encode() + b"\r\n")
        code, reply = read(file)
        if code not in wanted:
            raise Refused(code, reply)
        return reply
    code, reply = read(file)
    # postscreen greets and answers a header that it does not expect at once
    if code != 220 and not (m["claims"] and code in (500, 502)):
        raise Refused(code, reply)
    if m["early"]:  # to be the same each time: smtpd may or may not see what comes before it speaks
        s.sendall(header)
        read(file)
    command("EHLO " + m["helo"])
    if m["tls"] and not m["wrapped"]:
        command("STARTTLS", (220,))
        s = context.wrap_socket(s)
        file = s.makefile("rb")
        command("EHLO " + m["helo"])
    if m["user"]:
        word = base64.b64encode(f"\0{m['user']}\0{m['password']}".encode()).decode()
        command("AUTH PLAIN " + word, (235,))
    command(f"MAIL FROM:<{m['sender']}> SIZE={m['size']}")
    command(f"RCPT TO:<{m['recipient']}>", (250, 251))
    command("DATA", (354,))
    reply = command(m["text"].replace("\n", "\r\n") + "\r\n.")
    try:
        command("QUIT", (221,))
    except (OSError, Refused):
        pass
    return {"accepted": reply}

def submit(m):
    result = subprocess.run(["/usr/sbin/sendmail", "-i", "-f", m["sender"] or "<>", m["recipient"]],
                            input=m["text"].encode(), capture_output=True)
    if result.returncode:
        return {"code": 552, "reply": result.stderr.decode(errors="replace").strip()}
    return {"accepted": "by sendmail"}

def attempt(m, tries=4):
    try:
        return submit(m) if m["local"] else talk(m)
    except Refused as refused:
        # the lab's Dovecot may drop a connection after failed logins: that is no verdict on the user
        if refused.args[0] == 454 and "4.7.0" in refused.args[1] and tries:
            time.sleep(2)
            return attempt(m, tries - 1)
        return {"code": refused.args[0], "reply": refused.args[1]}
    except OSError as error:
        return {"broken": str(error)}

messages = json.load(sys.stdin)
results = {}
# who speaks too early comes first: postscreen remembers clients that waited, and then waits no more
for early in (True, False):
    part = [number for number, m in enumerate(messages) if bool(m["claims"]) == early]
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        results.update(zip(part, pool.map(attempt, [messages[number] for number in part])))
json.dump([results[number] for number in range(len(messages))], sys.stdout)
'''

PATIENCE = 60   # seconds until what has no end counts as lost
QUIET = 6       # seconds that a deferred message must stay so
LINE = re.compile(r"^\S+ +\d+ [\d:]+ \S+ (\S+)\[\d+\]: ([0-9A-F]{6,}|[0-9B-Zb-z]{10,}): (.*)$")
DELIVERY = re.compile(r"^to=<([^>]*)>.* relay=([^,]*), .*dsn=(\d\S*), status=(\w+) \((.*)\)$")


class Lab:
    def __init__(self, folder):
        self.folder = folder
        with open(os.path.join(folder, "out", "manifest.json"), encoding="utf-8") as file:
            self.nodes = {node["name"]: node for node in json.load(file)["nodes"]}
        self.owner = {}
        for name in os.listdir(os.path.join(folder, "pids")):
            for line in self.run(name, "ip", "-o", "address", "show").splitlines():
                address = line.split()[3].split("/")[0]
                if not address.startswith(("127.", "fe80:", "198.18.53.", "2001:2:0:53:")) \
                        and address != "::1":
                    self.owner[address] = name

    def run(self, node, *command, stdin=""):
        with open(os.path.join(self.folder, "pids", node), encoding="ascii") as file:
            process = file.read().strip()
        result = subprocess.run(
            ["nsenter", "--target", process, "--mount", "--net", "--uts", "--ipc", "--pid",
             "--wdns=/", "--", "/usr/bin/env", "-i",
             "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root",
             "LC_ALL=C.UTF-8", *command], input=stdin.encode(), check=False,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if result.returncode:
            raise RuntimeError(f"{command[0]} on {node}: {result.stderr.decode()}")
        return result.stdout.decode(errors="replace")

    def mail_nodes(self):
        return [name for name, node in self.nodes.items() if node["kind"] != "proxy"] + ["internet"]


def text_of(number, message):
    """A message as large as it is to be, and recognisable."""
    head = (f"Message-ID: <m{number}@trace.invalid>\nFrom: <{message['author']}>\n"
            f"To: <{message['recipient']}>\nSubject: message {number}\n"
            f"Date: Mon, 02 Mar 2026 10:00:00 +0000\n\n")
    rest = max(message["size"] - len(head) - head.count("\n"), 20)
    return head + ("x" * 68 + "\n") * (rest // 70) + "x" * max(rest % 70 - 2, 1)


def place_of(lab, message):
    client = message["client"] or ""
    if message["local"] or client == "::1" or client.startswith("127."):
        return message["node"]
    return lab.owner.get(client)


def password_of(lab, user):
    """Accounts of nodes have what was rendered without secrets, mailboxes one for all."""
    accounts = {account["username"] for node in lab.nodes.values()
                for account in node.get("accounts") or []}
    return "placeholder" if user in accounts else "postern-lab"


def send(lab, messages):
    """The replies, in the order of the messages."""
    places = collections.defaultdict(list)
    replies = [None] * len(messages)
    for number, message in enumerate(messages):
        place = place_of(lab, message)
        if place is None:
            replies[number] = {"unreachable": "no node has the client's address"}
        elif not message["local"] and not message["server"]:
            replies[number] = {"unreachable": "there is no address to connect to"}
        else:
            places[place].append((number, {**message, "text": text_of(number, message),
                                           "password": password_of(lab, message["user"])}))
    running = []
    for place, items in places.items():
        with open(os.path.join(lab.folder, "pids", place), encoding="ascii") as file:
            process = file.read().strip()
        child = subprocess.Popen(
            ["nsenter", "--target", process, "--mount", "--net", "--uts", "--ipc", "--pid",
             "--wdns=/", "--", "/usr/bin/python3", "-c", DRIVER],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        child.stdin.write(json.dumps([message for _, message in items]).encode())
        child.stdin.close()
        running.append((child, items))
    for child, items in running:
        answers = json.loads(child.stdout.read())
        child.wait()
        for (number, _), answer in zip(items, answers):
            replies[number] = answer
    return replies


class Copy:
    """A message on a node: one entry of its queue."""

    def __init__(self, node):
        self.node = node
        self.number = None
        self.client = self.login = None
        self.deliveries = {}   # by recipient: agent, relay, dsn, status, text


def read_logs(lab):
    """All copies, by the number of the message, in the order of the logs."""
    found = collections.defaultdict(list)
    for node in lab.mail_nodes():
        copies = {}
        for line in lab.run(node, "cat", "/var/log/mail.log").splitlines():
            match = LINE.match(line)
            if not match:
                continue
            agent, queue_id, rest = match[1], match[2], match[3]
            copy = copies.setdefault(queue_id, Copy(node))
            if rest.startswith("client="):
                copy.client = re.match(r"client=.*?\[([^\]]*)\]", rest)[1]
                login = re.search(r"sasl_username=([^,]*)", rest)
                copy.login = login[1] if login else None
            elif rest.startswith("message-id=<m"):
                number = re.match(r"message-id=<m(\d+)@trace\.invalid>", rest)
                if number and copy.number is None:
                    copy.number = int(number[1])
                    found[copy.number].append(copy)
            elif match := DELIVERY.match(rest):
                copy.deliveries[match[1]] = (agent, match[2], match[3], match[4], match[5])
    return found


def address_of(relay):
    match = re.search(r"\[([^\]]*)\]", relay)
    return match[1] if match else None


def next_copy(lab, copy, copies, seen):
    """The copy at the host that this one was handed to, or None."""
    waiting = [other for other in copies if other not in seen]
    for _, relay, _, status, _ in copy.deliveries.values():
        if status != "sent":
            continue
        node = lab.owner.get(address_of(relay) or "")
        for other in waiting:
            if other.node == node or (lab.nodes.get(node or "", {}).get("kind") == "proxy"):
                return other
    return None


def said(text, dsn):
    match = re.search(r"said: (\d{3})", text)
    if match:
        return int(match[1])
    if "exceeds size limit" in text:  # which the client sees before it sends
        return 552
    return 550 if dsn.startswith("5") else 450


def judge(lab, message, copies):
    """(outcome, path of copies, code, text), or None while it is on its way."""
    proxy = lab.nodes[message["node"]]["kind"] == "proxy"
    start = [copy for copy in copies if copy.node == message["node"] or
             (proxy and copy.client == message["client"])]
    if not start:
        return None
    path = [start[0]]
    while True:
        copy = path[-1]
        if copy.node == "internet" or lab.nodes[copy.node]["kind"] == "smarthost":
            return ("relayed", path, 250, "")
        if not copy.deliveries:
            return None
        agent, _, dsn, status, text = list(copy.deliveries.values())[0]
        if status == "sent" and not agent.endswith("/smtp"):
            return ("delivered", path, 250, "")
        if status == "bounced":
            loop = "loops back to myself" in text or "too many hops" in text.lower()
            return ("loops" if loop else "bounced", path, said(text, dsn), text)
        if status == "deferred":
            return ("deferred", path, said(text, dsn), text)
        following = next_copy(lab, copy, copies, path)
        if following is None:
            return None
        path.append(following)


def await_all(lab, messages, accepted):
    """The verdicts of all accepted messages; of those that have none in time, None."""
    end, verdicts, deferred = time.monotonic() + PATIENCE, {}, {}
    while time.monotonic() < end:
        logs, now = read_logs(lab), time.monotonic()
        verdicts = {number: judge(lab, messages[number], logs[number]) for number in accepted}
        waiting = False
        for number, verdict in verdicts.items():
            if verdict is None:
                waiting = True
            elif verdict[0] == "deferred":
                waiting |= now - deferred.setdefault(number, now) < QUIET
            else:
                deferred.pop(number, None)
        if not waiting:
            break
        time.sleep(0.3)
    return verdicts


def read_mail(lab):
    """Headers of what arrived, by message number and node."""
    arrived = {}
    for node in lab.mail_nodes():
        if node != "internet" and lab.nodes[node]["kind"] != "dms":
            continue
        text = lab.run(node, "sh", "-c", "find /var/mail -path '*/new/*' -type f -exec sh -c "
                       "'for f; do sed /^$/q \"$f\"; printf \"\\000\"; done' sh {} +")
        for head in text.split("\0"):
            head = re.sub(r"\r?\n[ \t]+", " ", head)
            number = re.search(r"^Message-ID: *<m(\d+)@trace\.invalid>", head, re.M | re.I)
            if number:
                arrived[int(number[1]), node] = head
    return arrived


def field(head, name):
    match = re.search(rf"^{name}: *<?([^>\n]*)>?$", head, re.M | re.I)
    return match[1].strip() if match else None


def describe_arrival(result, head):
    result["signed_by"] = sorted(set(re.findall(
        r"^DKIM-Signature:.*?[; ]d=([^;\s]+)", head, re.M | re.I)))
    result["sender"] = field(head, "Return-Path") or ""
    result["author"] = field(head, "From") or ""


def summary(result):
    at = result.get("end") or "nowhere"
    outcome = result["outcome"]
    if outcome == "delivered":
        return f"delivered at {at}"
    if outcome == "relayed":
        return f"relayed to {at}"
    if outcome in ("unreachable", "lost"):
        return f"{outcome}: {result.get('reply', '')}"
    where = f" at {at}" if result["end"] else ""
    return f"{outcome}{where}: {result.get('code')} {result.get('reply')}"


def refused(message, reply):
    if "code" in reply:
        outcome = "deferred" if reply["code"] < 500 else "rejected"
        return {"outcome": outcome, "code": reply["code"], "reply": reply["reply"],
                "end": None, "hops": []}
    outcome = "unreachable" if "unreachable" in reply else "lost"
    return {"outcome": outcome, "code": 0, "hops": [], "end": None,
            "reply": reply.get("unreachable") or reply.get("broken")}


def finished(verdict, arrived, number):
    outcome, path, code, text = verdict
    result = {"outcome": outcome, "code": code, "reply": text, "end": path[-1].node,
              "hops": [{"node": copy.node, "source": copy.client, "login": copy.login}
                       for copy in path]}
    head = arrived.get((number, path[-1].node)) or arrived.get((number, "internet"))
    if outcome in ("delivered", "relayed") and head:
        describe_arrival(result, head)
    agents = {delivery[0].split("/")[-1] for delivery in path[-1].deliveries.values()}
    result["unseen"] = agents == {"local"}  # a mailbox of the system's own, not one of the lab's
    return result


def main():
    lab = Lab(sys.argv[1])
    with open(os.path.join(lab.folder, "messages.json"), encoding="utf-8") as file:
        messages = json.load(file)["messages"]
    replies = send(lab, messages)
    accepted = [number for number, reply in enumerate(replies) if "accepted" in reply]
    verdicts = await_all(lab, messages, accepted)
    if any(verdict and verdict[0] == "relayed" for verdict in verdicts.values()):
        time.sleep(1)  # a smarthost passes it on
    arrived = read_mail(lab)
    results = []
    for number, reply in enumerate(replies):
        if "accepted" not in reply:
            result = refused(messages[number], reply)
        elif verdicts[number]:
            result = finished(verdicts[number], arrived, number)
        else:
            result = {"outcome": "lost", "code": 0, "hops": [], "end": None,
                      "reply": f"accepted, and no end in {PATIENCE} seconds"}
        result["summary"] = summary(result)
        results.append(result)
    json.dump(results, sys.stdout, indent=1)


try:
    main()
except (OSError, RuntimeError, ValueError) as error:
    sys.exit(f"postern-lab: the messages cannot be sent: {error}")
