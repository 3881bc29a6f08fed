#!/usr/bin/python3
"""A DKIM key is turned over under traffic, as `keys rotate` writes it down: every message is signed once and
verifies, before, during and after; the clock is the real one, and the switch a few seconds ahead."""
import datetime
import os
import re
import shutil
import subprocess
import threading

from lib.lab import (CONFGEN, EXAMPLE, STRANGER, WAIT, assert_accepted, assert_signed_once, compose, render, run,
                     signatures, wait)

AHEAD = 8  # seconds from the decision to the switch
AFTER = 3  # messages with the new key, at least
PAUSE = 0.9  # seconds between messages


def confgen(*arguments):
    return subprocess.run([CONFGEN, *arguments], check=True, text=True, stdout=subprocess.PIPE).stdout


def publish(lab, line):
    """Adds a record to the lab's zone, as nsd serves it."""
    lab.run("dns", "sh", "-c", "cat >>/etc/nsd/lab.zone && kill -HUP $(cat /run/nsd.pid)", stdin=line + "\n")
    name = line.split()[0]
    question = f"import dns.resolver; print(dns.resolver.resolve('{name}', 'TXT')[0])"
    wait(lambda: "DKIM1" in lab.run("internet", "/usr/bin/python3", "-c", question, check=False), f"{name} in DNS")


def install(lab, out, keys):
    """Gives the signing host what was rendered anew, and has its milter read it."""
    milter = next(node["milter"] for node in lab.manifest()["nodes"] if node["name"] == "private")
    with open(os.path.join(out, "private", "postern-milter.conf"), encoding="utf-8") as file:
        config = re.sub(r"(?m)^log = .*", 'log = "stderr"', file.read())
    assert "active_from" in config and "retire_after" in config, config
    for name, path in re.findall(r'key "(\w+)" \{\s*file = "([^"]*)"', config):
        with open(os.path.join(keys, "example.com", f"{name}.private"), encoding="ascii") as file:
            lab.run("private", "sh", "-c", f"umask 077; cat >{path}", stdin=file.read())
    lab.run("private", "sh", "-c", f"cat >{milter['config']}", stdin=config)
    lab.run("private", "sh", "-c", "kill -HUP $(cat /run/postern-lab/milter.pid)")
    wait(lambda: "reloaded" in lab.log("private", "milter"), "the milter's word on its new configuration")


class Traffic(threading.Thread):
    """A message every now and then, one after the other."""

    def __init__(self, lab):
        super().__init__(daemon=True)
        self.lab, self.tokens, self.stop, self.error = lab, [], threading.Event(), None

    def run(self):
        try:
            while not self.stop.wait(PAUSE):
                token = f"{self.lab.token()}-end"  # none begins another
                assert_accepted(self.lab.submit("private", "user@example.com", STRANGER, compose(subject=token)))
                self.tokens.append(token)
        except Exception as error:  # told by the check
            self.error = error

    def end(self):
        self.stop.set()
        self.join(WAIT)
        if self.error:
            raise self.error
        return self.tokens


def selector_of(lab, token):
    found = signatures(lab.arrived("internet", STRANGER, token))
    assert len(found) == 1, f"{token} has {len(found)} signatures"
    return re.search(r"\bs=([^;]+);", found[0])[1]


def turned_over(lab):
    """under traffic the new key takes over; each message has one signature, and it verifies"""
    topology = shutil.copy(EXAMPLE, os.path.join(lab.folder, "rotated.yaml"))
    keys = os.path.join(lab.folder, "keys")
    os.makedirs(os.path.join(keys, "example.com"))
    old = lab.run("private", "cat", "/etc/postern/keys/example.com/mail.private")
    with open(os.open(os.path.join(keys, "example.com", "mail.private"), os.O_CREAT | os.O_WRONLY, 0o600), "w",
              encoding="ascii") as file:
        file.write(old)
    traffic = Traffic(lab)
    traffic.start()
    wait(lambda: len(traffic.tokens) >= 2 or traffic.error, "traffic")
    when = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=AHEAD)
    said = confgen("keys", "rotate", "-w", "-k", keys, "-s", when.strftime("%Y-%m-%dT%H:%M:%SZ"), "example.com", topology)
    publish(lab, re.search(r"(?m)^mail2\._domainkey.*", said)[0])
    place = os.path.join(lab.folder, "rotated")
    os.makedirs(place)
    install(lab, render(topology, place), keys)
    wait(lambda: datetime.datetime.now(datetime.timezone.utc) > when, "the switch")
    count = len(traffic.tokens)
    wait(lambda: len(traffic.tokens) > count + AFTER or traffic.error, "traffic after the switch")
    tokens = traffic.end()
    order = [selector_of(lab, token) for token in tokens]
    print(f"# {order.count('mail')} messages with the old key, {order.count('mail2')} with the new one")
    assert order.count("mail") >= 2 and order.count("mail2") >= AFTER, order
    assert order == sorted(order), order  # never back
    for token, selector in zip(tokens, order):
        assert_signed_once(lab, lab.arrived("internet", STRANGER, token), selector=selector)


def records_agree(lab):
    """`dns` lists both keys, as they are published"""
    text = confgen("dns", "-k", os.path.join(lab.folder, "keys"), "-f", "json", os.path.join(lab.folder, "rotated.yaml"))
    for selector in ("mail", "mail2"):
        question = f"import dns.resolver; print(b''.join(dns.resolver.resolve('{selector}._domainkey.example.com', 'TXT')[0].strings).decode())"
        record = lab.run("internet", "/usr/bin/python3", "-c", question).strip()
        assert f'"{record}"' in text, (selector, record)


run(EXAMPLE, turned_over, records_agree)
