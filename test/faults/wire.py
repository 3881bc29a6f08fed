#!/usr/bin/python3
"""A bad line between a node and its bridge: loses and delays frames, both ways.

usage: wire.py PORT BRIDGE DELAY JITTER LOSS SEED

For kernels without sch_netem, which the lab cannot rely on: it runs in the network namespace of the bridges, takes the
port out of the bridge, puts a tap device in its place, and carries frames between the two. Delay and jitter are in
seconds, each way; loss is the part of frames that vanish. Ends with its standard input, and the port is back then.
"""
import fcntl
import heapq
import os
import random
import select
import socket
import struct
import subprocess
import sys
import time

TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0002, 0x1000
ETH_P_ALL = 3
TAP = "bad-line"


def ip(*words):
    subprocess.run(["ip", *words], check=True)


def carry(port, tap, delay, jitter, loss, chance):
    """Frames wait in a heap until their time has come. Returns how many passed, and how many were lost."""
    waiting, count, lost = [], 0, 0
    while True:
        patience = max(0, waiting[0][0] - time.monotonic()) if waiting else None
        ready, _, _ = select.select([port, tap, 0], [], [], patience)
        for source in ready:
            if source == 0:
                return count, lost
            if source is port:
                frame, address = port.recvfrom(65536)
                if address[2] == socket.PACKET_OUTGOING:
                    continue
            else:
                frame = os.read(tap, 65536)
            count += 1
            if chance.random() < loss:
                lost += 1
                continue
            # what came first goes first: a line delays, and does not shuffle
            at = max(time.monotonic() + delay + chance.uniform(0, jitter),
                     max((w[0] for w in waiting if w[2] is source), default=0))
            heapq.heappush(waiting, (at, count, source, frame))
        while waiting and waiting[0][0] <= time.monotonic():
            _, _, source, frame = heapq.heappop(waiting)
            try:
                if source is port:
                    os.write(tap, frame)
                else:
                    port.send(frame)
            except OSError:
                lost += 1  # a full queue, as on any line


def main():
    name, bridge = sys.argv[1:3]
    delay, jitter, loss = map(float, sys.argv[3:6])
    tap = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", TAP.encode(), IFF_TAP | IFF_NO_PI))
    ip("link", "set", TAP, "master", bridge, "addrgenmode", "none", "up")
    port = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    port.bind((name, 0))
    ip("link", "set", name, "nomaster")
    try:
        print("ready", flush=True)
        count, lost = carry(port, tap, delay, jitter, loss, random.Random(sys.argv[6]))
        print(f"{count} frames, {lost} lost", flush=True)
    finally:
        ip("link", "set", name, "master", bridge)


main()
