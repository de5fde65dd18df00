"""run_workers() on one core and on two: rates, CPU a message, and who got how many connections."""
import signal
import subprocess
import sys

from .figures import figure, middle
from .machine import BIN
from .servers import Server, Side

CONNECTIONS = 64
STEPS = 100_000  # a handler of about 100 us, beside which the load generator takes little
# (what, kind, steps of arithmetic a message)
ROWS = [("echo 64 B", "echo", 0), ("echo 64 B, and 100,000 steps of arithmetic", "echo", STEPS),
        ("HTTP hello", "http", 0), ("HTTP hello, and 100,000 steps", "http", STEPS)]


class Sample:
    def __init__(self, cpu, rate, spread):
        self.cpu, self.rate, self.spread = cpu, rate, spread


def measure(kind, workers, steps, seconds, folder):
    """With one worker the load has the other core; with two, it has its share of the second."""
    side = Side({kind: [BIN / "net_workers"]}, arguments=[str(workers), str(steps)])
    mode, size = ("http", "1") if kind == "http" else ("echo", "64")
    with Server(side, kind, folder, cpu="0" if workers == 1 else "0,1") as server:
        done = subprocess.run(
            ["taskset", "-c", "1", BIN / "net_load", mode, "tcp", server.address, str(server.pid),
             str(CONNECTIONS), size, str(seconds)], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            print(f"bench_net: {workers} workers: {done.stderr.strip()}", file=sys.stderr)
            return None
        server.process.send_signal(signal.SIGUSR1)
        spread = [int(count) for count in server.process.stdout.readline().split()]
        cpu, rate = done.stdout.split()[:2]
        return Sample(float(cpu), float(rate), spread)


def table(rounds, seconds, folder):
    lines = [["row", "rate, 1 worker", "rate, 2 workers", "factor", "CPU us, 1", "CPU us, 2",
              "connections of each"]]
    for what, kind, steps in ROWS:
        pairs = [tuple(measure(kind, workers, steps, seconds, folder) for workers in (1, 2))
                 for _ in range(rounds)]
        pairs = [pair for pair in pairs if None not in pair]
        if not pairs:
            continue
        rates = [middle([pair[i].rate for pair in pairs]) for i in (0, 1)]
        factor = middle([two.rate / one.rate for one, two in pairs])
        cpu = [middle([pair[i].cpu for pair in pairs]) for i in (0, 1)]
        spread = ", ".join("/".join(map(str, two.spread)) for _, two in pairs)
        lines.append([what, *map(figure, rates), figure(factor), *map(figure, cpu), spread])
    return lines
