"""Many clients of one socket that mean no good, run on a node of the lab.

Reads a request as JSON: target ("unix:PATH" or "inet:PORT@ADDRESS"), count, slow (one octet every so many seconds; 0 for
none at all), text (what the slow ones begin to say), hold (seconds). Prints how many connected and how many were still
open at the end, as JSON. Ends early with its standard input.
"""
import json
import resource
import select
import socket
import sys
import time


def connect(target):
    if target.startswith("unix:"):
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(1)
        client.connect(target[5:])
    else:
        port, address = target[5:].split("@")
        client = socket.create_connection((address, int(port)), 1)
    client.setblocking(False)
    return client


def gather(request):
    """Those that could connect. Who is refused is not asked again; a full backlog is waited for."""
    clients, failed = [], 0
    for _ in range(request["count"]):
        try:
            clients.append(connect(request["target"]))
        except OSError:
            failed += 1
            if failed > 20 and not clients:
                break
    return clients


def hold(clients, request):
    """Keeps them open, and drops those that the server closed."""
    poll = select.poll()
    by_number = {client.fileno(): client for client in clients}
    for number in by_number:
        poll.register(number, select.POLLIN)
    poll.register(0, select.POLLIN)
    text, said, end = request["text"].encode("latin-1"), 0, time.monotonic() + request["hold"]
    due = time.monotonic()
    while time.monotonic() < end and by_number:
        if request["slow"] and time.monotonic() >= due:
            due += request["slow"]
            for number, client in list(by_number.items()):
                try:
                    client.send(text[said % len(text):][:1])
                except BlockingIOError:
                    pass
                except OSError:
                    poll.unregister(number)
                    by_number.pop(number).close()
            said += 1
        for number, _ in poll.poll(100):
            if number == 0:
                return len(by_number)
            try:
                if by_number[number].recv(65536):
                    continue
            except BlockingIOError:
                continue
            except OSError:
                pass
            poll.unregister(number)
            by_number.pop(number).close()
    return len(by_number)


def main():
    request = json.loads(sys.stdin.readline())
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
    clients = gather(request)
    print(json.dumps(len(clients)), flush=True)
    print(json.dumps(hold(clients, request)), flush=True)


main()
