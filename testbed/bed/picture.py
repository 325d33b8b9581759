"""Draws a story: packets per second in both directions over time, and what was told meanwhile. SVG that needs nothing else."""
from xml.sax.saxutils import escape

_WIDTH, _PLOT, _LEFT, _LINE = 1100, 240, 60, 18
_COLOURS = {"to the peer": "#1f5fa8", "from the peer": "#c0504d"}


def draw(title, traffic, events, path):
    """`traffic`: {"bin_ms", "begin_ms", "packets": {direction: [count of each bin]}}; `events`: [{"at_ms", "what"}], in the same time."""
    size = traffic["bin_ms"]
    bins = max(len(counts) for counts in traffic["packets"].values())
    begin, end = traffic["begin_ms"], traffic["begin_ms"] + bins * size
    events = [event for event in events if begin <= event["at_ms"] <= end]
    top = 40 + _LINE * len(events)
    most = max(max(counts) for counts in traffic["packets"].values()) * 1000 / size or 1

    def x(ms):
        return _LEFT + (ms - begin) / (end - begin) * (_WIDTH - _LEFT - 20)

    def y(packets_per_s):
        return top + _PLOT * (1 - packets_per_s / most)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{top + _PLOT + 60}" font-family="sans-serif" '
             'font-size="12">', '<rect width="100%" height="100%" fill="white"/>',
             f'<text x="{_LEFT}" y="20" font-size="14">{escape(title)}</text>']
    parts += [f'<path d="M{x(ms):.1f} {top}V{top + _PLOT}" stroke="#eee"/><text x="{x(ms):.1f}" y="{top + _PLOT + 16}" '
              f'text-anchor="middle">{ms / 1000:g} s</text>' for ms in range(int(-begin // 1000 * -1000), int(end) + 1, 1000)]
    for share in (0, 0.5, 1):
        parts.append(f'<path d="M{_LEFT} {y(most * share):.1f}H{_WIDTH - 20}" stroke="#ccc"/>'
                     f'<text x="{_LEFT - 6}" y="{y(most * share) + 4:.1f}" text-anchor="end">{most * share:.0f}</text>')
    for row, event in enumerate(events):
        at, right = x(event["at_ms"]), x(event["at_ms"]) > _WIDTH * 0.62
        parts.append(f'<path d="M{at:.1f} {40 + _LINE * row}V{top + _PLOT}" stroke="#888" stroke-dasharray="3 3"/>'
                     f'<text x="{at + (-5 if right else 5):.1f}" y="{50 + _LINE * row}" text-anchor="{"end" if right else "start"}">'
                     f'{escape(event["what"])}</text>')
    for row, (direction, counts) in enumerate(traffic["packets"].items()):
        line = " ".join(f"{x(begin + (i + 0.5) * size):.1f},{y(count * 1000 / size):.1f}" for i, count in enumerate(counts))
        parts.append(f'<polyline points="{line}" fill="none" stroke="{_COLOURS[direction]}" stroke-width="1.5"/>'
                     f'<text x="{_LEFT + 220 * row}" y="{top + _PLOT + 42}" fill="{_COLOURS[direction]}">packets/s {direction}</text>')
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join([*parts, "</svg>\n"]))


def traffic(esp, begin_ns, end_ns, bin_ms, zero_ns):
    """Counts of the ESP packets [(time, whether from the peer)] in bins; times of the result count from `zero_ns`."""
    bins = int((end_ns - begin_ns) / 1e6 // bin_ms)
    packets = {direction: [0] * bins for direction in _COLOURS}
    for at, from_peer in esp:
        number = int((at - begin_ns) / 1e6 // bin_ms)
        if 0 <= number < bins:
            packets["from the peer" if from_peer else "to the peer"][number] += 1
    return {"bin_ms": bin_ms, "begin_ms": (begin_ns - zero_ns) / 1e6, "packets": packets}
