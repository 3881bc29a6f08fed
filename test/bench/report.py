"""Tables in Markdown and pictures in SVG, which have no colour alone to tell by and know light and dark."""
import html
import math

STYLE = """<style>
.paper{fill:#fff}.text{fill:#1f2328}.grid{stroke:#d0d7de}
.c0{color:#0b63b5}.c1{color:#3d8fd1}.c2{color:#b3261e}.c3{color:#8a5a00}.c4{color:#6b4fa0}
.line{stroke:currentColor;fill:none;stroke-width:2}.mark{fill:currentColor}
@media (prefers-color-scheme:dark){
.paper{fill:#0d1117}.text{fill:#e6edf3}.grid{stroke:#3d444d}
.c0{color:#58a6ff}.c1{color:#9ecbff}.c2{color:#ff7b72}.c3{color:#e3b341}.c4{color:#c297ff}}
</style>"""
DASHES = ("", "7 4", "2 3", "10 3 2 3", "4 4")
MARKS = ("M-5 -5H5V5H-5Z", "M0 -6L6 5H-6Z", "M0 -6L6 0L0 6L-6 0Z", "M-5 0A5 5 0 1 0 5 0A5 5 0 1 0 -5 0Z",
         "M-5 -2H-2V-5H2V-2H5V2H2V5H-2V2H-5Z")


def table(columns, rows):
    """Lines of Markdown; a column whose name begins with '<' holds text, the others numbers."""
    names = [name.lstrip("<") for name in columns]
    rules = ["---" if name.startswith("<") else "---:" for name in columns]
    lines = ["| " + " | ".join(names) + " |", "|" + "|".join(rules) + "|"]
    return lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]


def figure(value, digits=3):
    """A number to so many digits that count, without an exponent."""
    if value is None:
        return "-"
    if value == 0:
        return "0"
    places = max(digits - 1 - math.floor(math.log10(abs(value))), 0)
    return f"{value:.{places}f}"


def svg(title, description, width, height, body):
    text = html.escape
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
            f'aria-labelledby="t d" font-family="sans-serif" font-size="13">'
            f'<title id="t">{text(title)}</title><desc id="d">{text(description)}</desc>{STYLE}'
            f'<rect class="paper" width="{width}" height="{height}"/>'
            f'<text class="text" x="20" y="24" font-weight="bold">{text(title)}</text>'
            + "\n".join(body) + "</svg>\n")


def spread(places, least):
    """Moves labels down so that each has room. places: [(y, anything)], by y."""
    moved, before = [], -math.inf
    for y, what in sorted(places, key=lambda place: place[0]):
        before = max(y, before + least)
        moved.append((before, what))
    return moved


def lines_svg(title, series, unit):
    """Lines over sizes, in steps of ten upward. series: {name: [(label, value or None)]}."""
    labels = [label for label, _ in max(series.values(), key=len)]
    values = [value for points in series.values() for _, value in points if value]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    high = max(high, low + 1)
    x = {label: 90 + i * 500 / max(len(labels) - 1, 1) for i, label in enumerate(labels)}

    def y(value):
        return 330 - (math.log10(value) - low) / (high - low) * 270

    body = [f'<text class="text" x="20" y="44">{html.escape(unit)}</text>']
    for power in range(low, high + 1):
        at = y(10 ** power)
        body.append(f'<path class="grid" d="M80 {at:.0f}H600"/><text class="text" x="72" '
                    f'y="{at + 4:.0f}" text-anchor="end">{10.0 ** power:g}</text>')
    body += [f'<text class="text" x="{x[label]:.0f}" y="354" text-anchor="middle">{label}</text>'
             for label in labels]
    ends, said = [], []
    for i, (name, points) in enumerate(series.items()):
        known = [(x[label], y(value), label, value) for label, value in points if value]
        if not known:
            continue
        path = "L".join(f"{at:.0f} {up:.1f}" for at, up, _, _ in known)
        body.append(f'<g class="c{i % 5}"><path class="line" stroke-dasharray="{DASHES[i % 5]}" '
                    f'd="M{path}"/>' + "".join(
                        f'<path class="mark" d="{MARKS[i % 5]}" '
                        f'transform="translate({at:.0f} {up:.1f})"/>'
                        for at, up, _, _ in known) + "</g>")
        ends.append((known[-1][1], (i, name)))
        said.append(f"{name}: " + ", ".join(f"{label} {figure(value)}" for *_, label, value in known))
    for at, (i, name) in spread(ends, 18):
        body.append(f'<path class="mark c{i % 5}" d="{MARKS[i % 5]}" transform="translate(616 {at:.1f})"/>'
                    f'<text class="text" x="628" y="{at + 4:.1f}">{html.escape(name)}</text>')
    return svg(title, f"{unit}. " + "; ".join(said), 840, 370, body)


def bars_svg(title, values, unit):
    """Bars, each with its figure. values: {name: value}."""
    most = max(values.values())
    body = [f'<text class="text" x="20" y="44">{html.escape(unit)}</text>']
    for i, (name, value) in enumerate(values.items()):
        y = 60 + 30 * i
        width = value / most * 460
        body.append(f'<text class="text" x="200" y="{y + 15}" text-anchor="end">{html.escape(name)}'
                    f'</text><rect class="mark c0" x="210" y="{y}" width="{width:.0f}" height="20"/>'
                    f'<text class="text" x="{218 + width:.0f}" y="{y + 15}">{figure(value)}</text>')
    said = ", ".join(f"{name} {figure(value)}" for name, value in values.items())
    return svg(title, f"{unit}: {said}", 760, 70 + 30 * len(values), body)
