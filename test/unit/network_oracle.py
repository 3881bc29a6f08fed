#!/usr/bin/python3
"""Compares network_dump with Python's ipaddress, on written and random networks.

usage: network_oracle.py NETWORK_DUMP
"""
import ipaddress
import random
import re
import subprocess
import sys

WRITTEN = """
1.2.3.4 10.0.0.0/8 10.0.0.1/8 0.0.0.0/0 ::/0 255.255.255.255/32 1.2.3.4/33 1.2.3.4/ 1.2.3.4/-1
1.2.3.4/+8 1.2.3 1.2.3.4.5 01.2.3.4 1.2.3.256 1.2.3.4x 0x7f.0.0.1 1..2.3 /8 1.2.3.0/24/8 1.2.3.0/a
:: ::1 fe80::/10 fe80::1/10 fd00::/7 fc00::/7 fc00::/6 ff00::/8 2001:db8::/32 2001:db8:::1 ::g :1
1:2:3:4:5:6:7:8 1:2:3:4:5:6:7:8:9 1:2:3:4:5:6:7 1::2::3 ::ffff:1.2.3.4 ::ffff:1.2.3.4/128
::ffff:0:0/96 ::1.2.3.4 fe80::1%eth0 ::1/129 ::1/128 ::1/127 12345::
10.0.0.0/7 172.16.0.0/12 172.16.0.0/11 172.32.0.0/16 192.168.0.0/16 192.168.255.255 192.169.0.0/16
100.64.0.0/10 100.64.0.0/9 100.128.0.0/10 127.255.255.255 128.0.0.0 169.254.1.1 169.253.255.255
224.0.0.0/4 239.255.255.255 240.0.0.0 0.0.0.1 feb0::1 fec0::1 fe00::1
""".split()

# the space that ip_network_is_private() promises, by the RFCs in its header
PRIVATE = [ipaddress.ip_network(text) for text in (
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8",
    "169.254.0.0/16", "fc00::/7", "fe80::/10", "::1/128")]

MIXED = [ipaddress.ip_network("::ffff:0:0/96"), ipaddress.ip_network("::/96")]


def read(text):
    """The network, or the name of what is wrong with it."""
    address, slash, prefix = text.partition("/")
    try:
        if "%" in text:
            return "syntax"
        ipaddress.ip_address(address)
    except ValueError:
        return "syntax"
    # a plain number, without what Python takes beyond it: leading zeros and netmasks
    if slash and not re.fullmatch(r"0|[1-9][0-9]*", prefix, re.ASCII):
        return "prefix"
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return "prefix"
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        return "host-bits"


def same_kind(a, b):
    return a.version == b.version


def flags(*values):
    return "".join("1" if value else "0" for value in values)


def expected(a, b):
    if isinstance(a, str):
        return [a]
    host = a.network_address
    mapped = host.ipv4_mapped if a.version == 6 else None
    fields = ["ok", str(a), str(a) if a.version == 4 else f"[{host}]/{a.prefixlen}",
              str(mapped or host),
              flags(host.is_loopback, host.is_unspecified, host.is_link_local, host.is_multicast,
                    any(same_kind(a, space) and a.subnet_of(space) for space in PRIVATE))]
    if not isinstance(b, str):
        fields.append(flags(b.network_address in a, same_kind(a, b) and a.overlaps(b), a == b))
    return fields


def plainly(fields):
    """glibc writes ::ffff:1.2.3.4, which RFC 5952 (5) recommends; Python 3.11 does not."""
    return [re.sub(r"::(ffff:)?\d+\.\d+\.\d+\.\d+",
                   lambda match: str(ipaddress.IPv6Address(match.group())), field)
            for field in fields]


def random_network(dice):
    version, bits = dice.choice([(4, 32), (6, 128)])
    near = dice.choice(PRIVATE + MIXED + [ipaddress.ip_network(text) for text in (
        "0.0.0.0/0", "::/0", "2001:db8::/48", "224.0.0.0/4", "ff00::/8", "192.0.2.0/24")])
    if near.version == version:
        number = int(near.network_address) ^ dice.getrandbits(max(bits - near.prefixlen, 1) + 1)
        number &= (1 << bits) - 1
    else:
        number = dice.getrandbits(bits) & dice.getrandbits(bits)
    prefix = dice.randrange(bits + 1)
    if dice.random() < 0.8:
        number = number >> (bits - prefix) << (bits - prefix)
    address = (ipaddress.IPv4Address if version == 4 else ipaddress.IPv6Address)(number)
    text = dice.choice([str(address), address.exploded, str(address).upper()])
    return f"{text}/{prefix}" if dice.random() < 0.8 else text


def main():
    dice = random.Random(5952)
    pairs = [(a, b) for a in WRITTEN for b in WRITTEN]
    pairs += [(random_network(dice), random_network(dice)) for _ in range(20000)]
    lines = "".join(f"{a} {b}\n" for a, b in pairs)
    done = subprocess.run([sys.argv[1]], input=lines, capture_output=True, text=True, check=True)
    wrong = 0
    answers = done.stdout.splitlines()
    assert len(answers) == len(pairs)
    for (a, b), answer in zip(pairs, answers):
        wanted = expected(read(a), read(b))
        if plainly(answer.split()) != wanted:
            wrong += 1
            print(f"{a} {b}\ngot      {answer}\nexpected {' '.join(wanted)}")
    print(f"{len(pairs) - wrong} pairs agree, {wrong} do not")
    return wrong != 0


if __name__ == "__main__":
    sys.exit(main())
