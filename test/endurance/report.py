"""What a run found: a page in Markdown, a picture, the samples."""
import csv
import os
import platform
import statistics

PROCESSES = ("milter", "keeper", "gate")
MIB = 1 << 20
POINTS = 300  # of a line
WIDTH, HEIGHT, LEFT, TOP, GAP = 340, 120, 60, 50, 70


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        models = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return f"{len(models)} processors {models[0] if models else platform.machine()}, Linux {platform.release().split('-')[0]}"


def write_report(run, folder):
    """Returns the page; writes it and the rest to `folder`, if there is one."""
    text = page(run)
    if folder:
        with open(os.path.join(folder, "endurance.md"), "w", encoding="utf-8") as file:
            file.write(text)
        names = sorted({name for row in run.samples for name in row}, key=lambda name: (name != "time", name))
        with open(os.path.join(folder, "samples.csv"), "w", newline="", encoding="ascii") as file:
            writer = csv.DictWriter(file, names, restval="")
            writer.writeheader()
            writer.writerows({name: f"{value:.2f}" if isinstance(value, float) else value
                              for name, value in row.items()} for row in run.samples)
        with open(os.path.join(folder, "endurance.svg"), "w", encoding="ascii") as file:
            file.write(picture(run.samples))
    return text


def page(run):
    facts = run.facts
    lines = [f"Machine: {machine()}. {'All is as it should be.' if not run.faults else 'FAULTS, see the end.'}", ""]
    lines += table(("phase", "messages", "minutes", "messages a second"),
                   [(name, count, f"{seconds / 60:.1f}", f"{count / max(seconds, 1):.0f}")
                    for name, count, seconds in run.phases])
    lines += messages_table(facts)
    for name in ("mail", "direct"):
        if f"growth {name}" in facts:
            lines += memory_table(name, facts[f"growth {name}"])
    if "rest" in facts:
        lines += rest_table(*facts["rest"], run)
    if "pairs" in facts:
        lines += table(("counted", "by", "number", "by", "number"), facts["pairs"])
    lines += [f"* {fault}" for fault in run.faults]
    return "\n".join(lines) + "\n"


def table(head, rows):
    return ["| " + " | ".join(map(str, row)) + " |"
            for row in (head, ["---"] * len(head), *rows)] + [""]


def messages_table(facts):
    rows = []
    for way, name in (("out", "out, signed"), ("in", "in, verified")):
        if f"mail {way}" not in facts:
            continue
        found = facts[f"mail {way}"]
        good, count = facts.get(f"sample {way}", ("-", "-"))
        rows.append((name, found["accepted"], found["distinct"], found["accepted"] - found["distinct"],
                     found["arrived"] - found["distinct"] - found["strange"], found["lacking"],
                     sum(found[way_out] for way_out in ("rset", "hung_up", "aborted", "reset")), found["strange"],
                     found["deferred"], f"{good} in {count} messages"))
    return table(("way", "accepted", "arrived", "lost", "twice", "unsigned", "broken off", "of those arrived",
                  "deferred", "good signatures of the sample"), rows)


def memory_table(name, growths):
    rows = [(growth.name, f"{growth.before / MIB:.2f}", f"{growth.after / MIB:.2f}",
             f"{growth.octets / 1024:+.0f} KiB, {100 * growth.part:+.2f}%", f"{growth.slope * 3600 / 1024:+.0f}")
            for growth in growths]
    return table((f"phase {name}, MiB", "second quarter", "last quarter", "growth", "slope, KiB an hour"), rows)


def rest_table(before, after, run):
    messages = sum(count for _, count, _ in run.phases)
    rows = [(name, *(f"{before[f'{name}.{figure}']} / {after[f'{name}.{figure}']}"
                     for figure in ("descriptors", "threads")),
             f"{before[f'{name}.rss'] / MIB:.2f} / {after[f'{name}.rss'] / MIB:.2f}",
             f"{1000 * after[f'{name}.cpu'] / max(messages, 1):.3f}") for name in PROCESSES]
    return table(("at rest, before / after", "descriptors", "threads", "resident MiB", "CPU ms a message"), rows)


def thinned(points):
    """Medians of neighbours, so that a line has few points."""
    size = -(-len(points) // POINTS)
    return [(points[i][0], statistics.median(value for _, value in points[i:i + size]))
            for i in range(0, len(points), size)]


def panel(x, y, title, lines, end, unit=1):
    """Lines of one scale, from 0."""
    most = max((value for _, _, points in lines for _, value in points), default=1) * 1.15 or 1
    parts = [f'<g transform="translate({x} {y})"><text y="-8">{title}</text>'
             f'<rect width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="#999"/>'
             f'<text x="-6" y="{HEIGHT}" text-anchor="end">0</text>'
             f'<text x="-6" y="10" text-anchor="end">{most / unit:.3g}</text>']
    for number, (name, color, points) in enumerate(reversed(lines)):
        path = "L".join(f"{WIDTH * time / end:.1f} {HEIGHT - HEIGHT * value / most:.1f}"
                        for time, value in thinned(points))
        parts.append(f'<path d="M{path}" fill="none" stroke="{color}" stroke-width="1.5"/>'
                     f'<text x="{WIDTH - 80 * number}" y="-8" text-anchor="end" fill="{color}">{name}</text>')
    return "".join(parts) + "</g>"


def picture(samples):
    """Two panels for each process: memory, and descriptors and threads."""
    end = max(row["time"] for row in samples)

    def line(process, figure, color):
        return (figure, color, [(row["time"], row[f"{process}.{figure}"]) for row in samples])
    parts = []
    for number, process in enumerate(PROCESSES):
        y = TOP + number * (HEIGHT + GAP)
        parts.append(panel(LEFT, y, f"{process}, MiB", [
            line(process, "rss", "#0b62a4"), line(process, "anonymous", "#c2570c")], end, MIB))
        parts.append(panel(2 * LEFT + WIDTH, y, process, [
            line(process, "descriptors", "#0b62a4"), line(process, "threads", "#c2570c")], end))
    changes = [(row["time"], row["phase"]) for before, row in zip([{}] + samples, samples)
               if before.get("phase") != row["phase"] != "warm"]
    height = TOP + 3 * (HEIGHT + GAP)
    for time, name in changes:
        for x in (LEFT, 2 * LEFT + WIDTH):
            at = x + WIDTH * time / end
            parts.append(f'<path d="M{at:.1f} {TOP}V{height - GAP}" stroke="#999" stroke-dasharray="3"/>'
                         f'<text x="{at:.1f}" y="{height - GAP + 16}" fill="#666">{name}</text>')
    width = 2 * (LEFT + WIDTH) + 20
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
            'font-family="sans-serif" font-size="12"><title>Memory, descriptors and threads during the run</title>'
            f'<rect width="{width}" height="{height}" fill="#fff"/><text x="{LEFT}" y="20" font-size="14">'
            f'{end / 60:.0f} minutes; dashed: where a phase begins</text>{"".join(parts)}</svg>\n')
