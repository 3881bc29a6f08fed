"""A client that claims an address in a PROXY header."""
import json

# Sends a PROXY header, then commands, and prints the replies. To who does not expect the header it is a
# command, which has a reply of its own.
FORGER = r"""
import json, socket, sys
request = json.load(sys.stdin)
replies = []
connection = socket.create_connection((request["server"], request["port"]), timeout=20)
connection.sendall(request["header"].encode())
lines = connection.makefile("r", newline="\r\n")
def reply():
    line = lines.readline()
    while line[3:4] == "-":
        line = lines.readline()
    replies.append(line.strip())
    return line
try:
    reply()
    for command in [None] * (not request["believed"]) + request["commands"]:
        if command is not None:
            connection.sendall(command.encode() + b"\r\n")
        if not reply():
            break
except (ConnectionResetError, BrokenPipeError):
    replies.append("reset")
print(json.dumps(replies))
"""


def forge(lab, node, server, claim, commands, believed, port=25):
    """The greeting, then (if the header is not believed) the reply to it, then the others."""
    family = "TCP6" if ":" in server else "TCP4"
    request = {"server": server, "port": port,
               "header": f"PROXY {family} {claim} {server} 12345 25\r\n",
               "commands": commands, "believed": believed}
    return json.loads(lab.run(node, "/usr/bin/python3", "-c", FORGER, stdin=json.dumps(request)))


def transaction(sender, recipient, text=None):
    commands = ["EHLO forger.test", f"MAIL FROM:<{sender}>", f"RCPT TO:<{recipient}>"]
    if text is not None:
        commands += ["DATA", text.replace("\n", "\r\n") + "\r\n."]
    return commands
