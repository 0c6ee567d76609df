"""Errors and distances by listings learned from, as an SVG of two panels."""

WIDTH, HEIGHT, LEFT, TOP, GAP = 760, 230, 62, 34, 66
COLOURS = ["#1b6ca8", "#2a9d62", "#c9821b", "#a4459b", "#7a5230", "#4c5966", "#1a9aa0"]
LINE = "#c0392b"


def drawn(seen, rise):
    """The whole picture; `seen` is by pull."""
    named = {f"pull {pull:g}": looks for pull, looks in seen.items()}
    first = next(iter(seen.values()))
    errors = {name: [(own[0], own[1]) for own in looks] for name, looks in named.items()}
    errors["the line it began from"] = [(own[0], own[2]) for own in first]
    distances = {name: [(own[0], own[3]) for own in looks] for name, looks in named.items()}
    colours = dict(zip(named, COLOURS))
    colours["the line it began from"] = LINE
    height = TOP + 2 * HEIGHT + GAP + 50
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH + 190} {height}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH + 190}" height="{height}" fill="#ffffff"/>',
        *_panel(errors, colours, TOP,
                f"error of the last 500 listings, before learning from them (ln); the market rises by {rise:g}"),
        *_panel(distances, colours, TOP + HEIGHT + GAP, "distance from the line (ln)"),
        f'<text x="{LEFT + (WIDTH - LEFT) / 2}" y="{height - 12}" text-anchor="middle">'
        "listings learned from</text>",
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _panel(series, colours, top, title):
    points = [point for own in series.values() for point in own]
    most_x = max(x for x, _ in points)
    step = _step(max(y for _, y in points))
    most_y = step * (int(max(y for _, y in points) / step) + 1)
    at_x = lambda x: LEFT + (WIDTH - LEFT) * x / most_x
    at_y = lambda y: top + HEIGHT * (1 - y / most_y)
    parts = [f'<text x="{LEFT}" y="{top - 10}" font-weight="bold">{title}</text>']
    for tick in range(round(most_y / step) + 1):
        y = at_y(tick * step)
        parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH}" stroke="#dddddd"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{tick * step:g}</text>')
    step_x = _step(most_x)
    for tick in range(int(most_x / step_x) + 1):
        x = at_x(tick * step_x)
        parts.append(f'<text x="{x:.1f}" y="{top + HEIGHT + 16}" text-anchor="middle">'
                     f"{tick * step_x:g}</text>")
    labels = []
    for name, own in series.items():
        path = "L".join(f"{at_x(x):.1f} {at_y(y):.1f}" for x, y in own)
        parts.append(f'<path d="M{path}" fill="none" stroke="{colours[name]}" stroke-width="1.8"/>')
        labels.append((at_y(own[-1][1]), name))
    below = 0.0
    for y, name in sorted(labels):
        # Not over the label above.
        below = max(y, below + 14)
        parts.append(f'<text x="{WIDTH + 8}" y="{below + 4:.1f}" fill="{colours[name]}">{name}</text>')
    return parts


def _step(most):
    """A round step that parts 0 to `most` into four to ten."""
    step = 1.0
    while most / step < 4:
        step /= 10
    while most / step > 40:
        step *= 10
    for factor in (1, 2, 5, 10):
        if most / (step * factor) <= 8:
            return step * factor
    return step * 10
