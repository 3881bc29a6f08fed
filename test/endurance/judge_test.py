#!/usr/bin/python3
"""The judge of endurance, by series whose verdict is known: it must see a leak, and must not see one in noise."""
import random
import sys

from judge import MOST_OCTETS, Growth, count_faults, delivery_faults, rest_faults, slope

MIB = 1 << 20
SECONDS = 180
SINK = {"arrived": 1000, "distinct": 1000, "highest": 999, "lacking": 0, "strange": 0, "cut": 0}
failed = 0


def check(name, good, detail=""):
    global failed
    failed += not good
    print(f"{'ok' if good else 'not ok'} - {name} {'' if good else detail}")


def series(seed, seconds, octets):
    """Memory around 12 MiB with noise of 60 KiB, and now and then a large message; `octets` are added by time."""
    chance = random.Random(seed)
    return [round(12 * MIB + chance.gauss(0, 60 << 10) + (chance.random() < 0.05) * 2 * MIB +
                  octets(second, chance)) for second in range(seconds)]


def fault(octets, seed=1, seconds=SECONDS):
    return Growth("milter.rss", range(seconds), series(seed, seconds, octets)).fault()


def flat():
    for seed in range(200):
        check_quietly("noise", fault(lambda second, chance: 0, seed) is None)
    check("memory that fills in the first quarter is flat",
          fault(lambda second, chance: min(second, 40) * 50_000) is None)
    check("a saw-tooth, as of trimming every 20 seconds, is flat",
          fault(lambda second, chance: second % 20 * 20_000) is None)
    check("memory that goes down is flat", fault(lambda second, chance: -second * 5_000) is None)


def check_quietly(name, good):
    if not good:
        check(name, False)


def leaks():
    for seed in range(200):  # 25 messages a second, 200 octets each
        check_quietly("a leak of 200 octets a message in three minutes",
                      "grew by" in (fault(lambda second, chance: second * 25 * 200, seed) or ""))
    check("a leak of 1.5 octets a message in a million", "grew by" in (
        fault(lambda second, chance: second * 500 * 1.5, seconds=2000) or ""))
    check("a leak with each tenth reload",
          "grew by" in (fault(lambda second, chance: second // 40 * 200_000) or ""))
    check("a step late in the run", "grew by" in (fault(lambda second, chance: (second > 120) * 500_000) or ""))
    large = Growth("x.rss", range(400), [200 * MIB + second * 10_000 for second in range(400)])
    check("a megabyte is too much of 200, too",
          large.part < 0.03 and large.octets >= MOST_OCTETS and "KiB" in large.fault(), large.fault())
    check("too few samples are no verdict", "samples" in fault(lambda second, chance: 0, seconds=30))


def slopes():
    values = [5 * second for second in range(100)]
    values[3] = values[50] = 10 ** 9
    check("slope of a line with outliers", abs(slope(range(100), values) - 5) < 0.2, slope(range(100), values))
    check("slope of a constant", slope(range(5000), [7] * 5000) == 0)


def counts():
    check("all arrived", delivery_faults("out", 1000, SINK) == [])
    for name, change, words in (
            ("one lost", {"distinct": 999, "arrived": 999}, "1 lost"),
            ("the last one lost", {"distinct": 999, "arrived": 999, "highest": 998}, "1 lost"),
            ("one twice", {"arrived": 1001}, "1 arrived twice"),
            ("one unsigned", {"lacking": 1}, "1 without"),
            ("one cut off that arrived", {"arrived": 1001, "strange": 1}, "1 arrived that were broken off"),
            ("one lost and another number instead", {"highest": 1000}, "0 lost"),
            ("a delivery cut off", {"cut": 1}, "cut off")):
        found = delivery_faults("out", 1000, {**SINK, **change})
        check(name, len(found) == 1 and words in found[0], found)
    rest = {"milter.descriptors": 12, "milter.threads": 5, "milter.rss": 100}
    check("the same at rest", rest_faults(rest, {**rest, "milter.rss": 900}) == [])
    check("a descriptor more", len(rest_faults(rest, {**rest, "milter.descriptors": 13})) == 1)
    check("a thread less", len(rest_faults(rest, {**rest, "milter.threads": 4})) == 1)
    check("a process gone", len(rest_faults(rest, {"milter.rss": 1})) == 2)
    check("counts agree", count_faults([("signed", "milter", 5, "sink", 5)]) == [])
    check("counts differ", count_faults([("signed", "milter", 5, "sink", 6)]) == ["signed: 5 says milter, 6 sink"])


for part in (flat, leaks, slopes, counts):
    part()
sys.exit(failed > 0)
