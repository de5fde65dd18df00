"""How costs grow with numbers: runs bench_growth and an echo server, writes bench/growth.md, and
draws one small plot a row into bench/growth.svg."""
import math
import pathlib
import resource
import subprocess
import sys
import tempfile
import textwrap

from . import machine
from .figures import figure, markdown
from .machine import BIN, ROOT
from .servers import SIDES, Server
from .svg import page, text

CONNECTIONS = (1, 10, 100, 1_000, 5_000, 15_000)
SERVERS = ("epoll", "io_uring", "limit epoll")


def load(mode, side, connections, folder):
    """The first number that the load generator says: CPU a message, or bytes a connection."""
    with Server(SIDES[side], "tcp", folder) as server:
        done = subprocess.run(
            ["taskset", "-c", "0" if connections == 1 else "1", BIN / "net_load", mode, "tcp",
             server.address, str(server.pid), str(connections), "64", "0.4"],
            capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print(f"bench: {connections} connections: {done.stderr.strip()}", file=sys.stderr)
        return None
    return float(done.stdout.split()[0])


def connection_tables():
    """Server CPU a message in us, and bytes of an idle connection, by their number."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    counts = [count for count in CONNECTIONS if count + 300 < most]
    cpu = [["microseconds", *map(str, counts)]]
    memory = [["bytes", *(str(count) for count in counts if count >= 100)]]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for side in SERVERS:
            known = [[load("echo", side, count, folder) for _ in range(2)] for count in counts]
            cpu.append([f"echo of 64 B, {side}",
                        *(figure(min(each)) if None not in each else "-" for each in known)])
        for side in SERVERS[:2]:
            memory.append([f"idle connections, {side}",
                           *(figure(load("idle", side, int(count), folder))
                             for count in memory[0][1:])])
    return cpu, memory


def table_in(words):
    """The cells of a table in Markdown, without the line below its head."""
    lines = [[cell.strip() for cell in line.strip("|").split("|")]
             for line in words.strip().splitlines()]
    return [line for line in lines if not line[0].startswith("---")]


def write():
    print("bench: tasks, timers and waiters", file=sys.stderr)
    done = subprocess.run(["taskset", "-c", "0", BIN / "bench_growth"], text=True,
                          capture_output=True, check=True)
    memory, time_each = done.stdout.split("\n\n", 1)
    print("bench: connections", file=sys.stderr)
    cpu, idle = connection_tables()
    (ROOT / "bench/growth.md").write_text("\n".join([
        "# How costs grow", "",
        "Written by `tools/bench --growth`. Each column has ten times the elements of the one "
        "before; what stays the",
        "same from left to right grows in proportion. Ten thousand of most things do not fit the "
        "fast caches. With few",
        "timers, a row of them shows what it costs to sleep: once a run. Each figure is of a "
        "process of its own: a program",
        "whose tasks have ended in random order for long finds its frames in that order, and waits "
        "for memory more often.", "",
        *machine.header(1, "bench/growth/growth.cpp"), "",
        "![a small plot of each row](growth.svg)", "",
        "CPU time for each element, in nanoseconds, the best of three runs:", "",
        time_each.strip(), "",
        "Memory for each element at the highest point, in bytes:", "", memory.strip(), "",
        "CPU time of the server for each message, by connections, in microseconds, the better of "
        "two runs; one message is",
        "in flight on each; a single one has both ends on one CPU:", "",
        *markdown(cpu), "",
        "Memory of the server for each idle connection, in bytes:", "", *markdown(idle)]) + "\n")
    print("wrote bench/growth.md")
    draw([("ns", table_in(time_each)), ("B", table_in(memory)), ("us", cpu), ("B", idle)])


# ---- plots --------------------------------------------------------------------------------------
COLUMNS, WIDTH, HEIGHT = 4, 230, 165  # of one plot
LEFT, RIGHT, TOP, BOTTOM = 16, 24, 56, 22  # room within a plot
COLOURS = {"ns": "#1f6feb", "B": "#2da44e", "us": "#d4740c"}
NAMES = {"ns": "CPU time", "B": "memory", "us": "CPU time"}


def short(value):
    for factor, letter in ((1e6, "M"), (1e3, "k")):
        if value >= factor:
            return f"{value / factor:g}{letter}"
    return f"{value:g}"


def plot(place, unit, head, row):
    """One row: elements to the right, both axes logarithmic; growth in proportion is flat."""
    points = [(int(count), float(cell.replace(",", ""))) for count, cell in zip(head[1:], row[1:])
              if cell != "-" and float(cell.replace(",", "")) > 0]
    if len(points) < 2:
        return []
    x0, y0 = 10 + place % COLUMNS * WIDTH, 60 + place // COLUMNS * HEIGHT
    least = min(value for _, value in points) / 1.3
    most = max(max(value for _, value in points) * 1.3, least * 20)  # a flat line is to look flat
    first, last = points[0][0], points[-1][0]

    def at(count, value):
        right = math.log(count / first) / math.log(last / first)
        up = math.log(value / least) / math.log(most / least)
        return (x0 + LEFT + (WIDTH - LEFT - RIGHT) * right,
                y0 + HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * up)

    grey = ' font-size="10" fill="#57606a"'
    parts = []
    for number, words in enumerate(textwrap.wrap(row[0], 34)):
        parts.append(text(x0 + LEFT, y0 + 14 + 11 * number, words, "start",
                          ' font-size="10" font-weight="bold"'))
    parts.append(text(x0 + LEFT, y0 + 36, f"{NAMES[unit]}, {unit} each", "start",
                      f' font-size="9" fill="{COLOURS[unit]}"'))
    left, bottom = at(first, least)
    right, top = at(last, most)
    parts.append(f'<path d="M{left:.1f} {top:.1f}V{bottom:.1f}H{right:.1f}" fill="none" '
                 'stroke="#8b949e"/>')
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in (at(*point) for point in points))
    parts.append(f'<polyline points="{line}" fill="none" stroke="{COLOURS[unit]}" '
                 'stroke-width="2"/>')
    for count, value in points:
        x, y = at(count, value)
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{COLOURS[unit]}"/>')
    for count, value in (points[0], points[-1]):
        x, y = at(count, value)
        anchor = "start" if count == first else "end"
        parts.append(text(x, y - 6, figure(value), anchor, ' font-size="10"'))
        parts.append(text(x, bottom + 12, short(count), anchor, grey))
    return parts


def draw(tables):
    plots = [(unit, table[0], row) for unit, table in tables for row in table[1:]]
    parts = [text(16, 26, "How costs grow: what one element takes, by their number", "start",
                  ' font-size="16" font-weight="bold"'),
             text(16, 46, "Both axes are logarithmic; a flat line grows in proportion, and "
                  "rises where the caches end.", "start", ' fill="#57606a"')]
    for place, (unit, head, row) in enumerate(plots):
        parts += plot(place, unit, head, row)
    rows = math.ceil(len(plots) / COLUMNS)
    (ROOT / "bench/growth.svg").write_text(page(20 + COLUMNS * WIDTH, 70 + rows * HEIGHT, parts))
    print("wrote bench/growth.svg")
