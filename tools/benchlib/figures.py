"""Medians, ratios, and how they are written."""
import statistics


def figure(value):
    if value is None:
        return "-"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def middle(values):
    """The median of what is known, or None."""
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def ratio(ours, others):
    """The median of the ratios of each round, whose sides ran within seconds of each other."""
    return middle([a / b for a, b in zip(ours, others) if a is not None and b])


def best_of(samples, sides):
    """The side with the smallest median, or None where none has any."""
    known = {side: middle(samples[side]) for side in sides}
    known = {side: value for side, value in known.items() if value is not None}
    return min(known, key=known.get) if known else None


def markdown(lines, left=(0,)):
    """A table of cells, the first line its head; columns in `left` are words."""
    rule = ["---" if column in left else "---:" for column in range(len(lines[0]))]
    return ["| " + " | ".join(lines[0]) + " |", "|" + "|".join(rule) + "|",
            *("| " + " | ".join(line) + " |" for line in lines[1:])]


def print_table(lines, left=(0,)):
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    for line in lines:
        cells = [cell.ljust(width) if i in left else cell.rjust(width)
                 for i, (cell, width) in enumerate(zip(line, widths))]
        print("  ".join(cells).rstrip())
