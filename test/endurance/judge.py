"""What counts as flat, and as nothing lost; no processes and no clocks, so that it can be tried (judge_test.py).

Memory is judged while the load is steady. The first quarter of the samples is left out, since allocators, caches and
thread pools fill then; of the rest, growth is the median of the last quarter of all samples less that of the second
quarter. Medians do not mind a sample taken while a large message was at work. A slope by Theil and Sen, the median
of the slopes between all pairs of samples, is printed beside it: its sign says whether it still grows.
Descriptors and threads are judged at rest, before and after, and must be the same.
"""
import itertools
import statistics

MOST_GROWTH = 0.03       # of the resident memory in the second quarter
MOST_OCTETS = 1 << 20    # and in all; of anonymous memory, which is a part of it, that alone
LEAST_SAMPLES = 40
RESIDENT = ".rss"
MEMORY = ("rss", "anonymous")
AT_REST = ("descriptors", "threads")
PAIRS = 300              # samples that Theil and Sen get: 45,000 pairs of them


def quarter(values, number):
    """The values of a quarter, 1 to 4."""
    size = len(values) / 4
    return values[round(size * (number - 1)):round(size * number)]


def slope(times, values):
    """By Theil and Sen: units a second. Of many samples it takes evenly spaced ones."""
    step = -(-len(values) // PAIRS)
    points = list(zip(times, values))[::step]
    slopes = [(y - x) / (t - s) for (s, x), (t, y) in itertools.combinations(points, 2) if t > s]
    return statistics.median(slopes) if slopes else 0.0


class Growth:
    """Of one figure of one process: octets in the second and the last quarter, and octets a second."""

    def __init__(self, name, times, values):
        self.name = name
        self.enough = len(values) >= LEAST_SAMPLES
        self.before = self.after = self.slope = 0
        if self.enough:
            first = len(values) // 4
            self.before = statistics.median(quarter(values, 2))
            self.after = statistics.median(quarter(values, 4))
            self.slope = slope(times[first:], values[first:])
        self.octets = self.after - self.before
        self.part = self.octets / self.before if self.before else 0.0

    def fault(self):
        """What is wrong, or None."""
        if not self.enough:
            return f"{self.name}: fewer than {LEAST_SAMPLES} samples"
        if self.part >= MOST_GROWTH and self.name.endswith(RESIDENT):
            return f"{self.name} grew by {100 * self.part:.1f}%, and less than {100 * MOST_GROWTH:.0f}% is allowed"
        if self.octets >= MOST_OCTETS:
            return f"{self.name} grew by {self.octets / 1024:.0f} KiB, and less than {MOST_OCTETS >> 10} are allowed"
        return None


def growths(samples):
    """The growth of each process's memory: `samples` are rows with a time and figures NAME.FIGURE."""
    times = [row["time"] for row in samples]
    names = sorted({name for row in samples for name in row if name.split(".")[-1] in MEMORY})
    return [Growth(name, times, [row[name] for row in samples]) for name in names]


def rest_faults(before, after):
    """Descriptors and threads at rest: figures by NAME.FIGURE."""
    return [f"{name}: {before[name]} at rest before, {after.get(name)} after" for name in sorted(before)
            if name.split(".")[-1] in AT_REST and after.get(name) != before[name]]


def delivery_faults(way, accepted, sink):
    """Each accepted message arrived once, nothing else did, and all were as they should be."""
    faults = []
    lost = accepted - sink["distinct"]
    if lost or sink["highest"] != accepted - 1:
        faults.append(f"{way}: {accepted} accepted, {sink['distinct']} arrived, {lost} lost")
    if sink["arrived"] - sink["strange"] != sink["distinct"]:
        faults.append(f"{way}: {sink['arrived'] - sink['strange'] - sink['distinct']} arrived twice")
    if sink["strange"]:
        faults.append(f"{way}: {sink['strange']} arrived that were broken off")
    if sink["lacking"]:
        faults.append(f"{way}: {sink['lacking']} without what the milter should have written")
    if sink["cut"]:
        faults.append(f"{way}: {sink['cut']} deliveries were cut off")
    return faults


def count_faults(counts):
    """Pairs of numbers that must agree: (what, one who counted it, number, another, number)."""
    return [f"{what}: {number} says {one}, {other_number} {other}"
            for what, one, number, other, other_number in counts if number != other_number]
