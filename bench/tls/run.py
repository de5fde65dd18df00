#!/usr/bin/env python3
"""TLS 1.3 echo: what a message costs the server, ours beside OpenSSL by hand; goal: 1.05x.

  bench/tls/run.py [--rounds N] [--seconds S] [--build FOLDER]

Server on CPU 0, load on CPU 1; medians of interleaved rounds of CPU time, as bench/METHOD.md says.
Build first: cmake --build build/release --target bench_tls
"""
import argparse
import pathlib
import statistics
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
SERVERS = ("asyncio", "limit")
CASES = ((64, 1), (64, 64), (16384, 64))  # bytes, connections


def make_certificate(folder):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-keyout", "key.pem", "-out", "cert.pem",
                    "-days", "2", "-subj", "/CN=bench"], cwd=folder, check=True,
                   capture_output=True)


def measure(build, folder, server, size, connections, seconds):
    """CPU microseconds of the server a message, messages a second."""
    process = subprocess.Popen(
        ["taskset", "-c", "0", str(build / f"bench_tls_{server}"), "cert.pem", "key.pem"],
        cwd=folder, stdout=subprocess.PIPE, text=True)
    try:
        port = process.stdout.readline().strip()
        cpu = "0" if connections == 1 else "1"
        done = subprocess.run(
            ["taskset", "-c", cpu, str(build / "bench_tls_load"), port, str(connections),
             str(size), str(seconds), str(process.pid)],
            capture_output=True, text=True, check=True, timeout=60 + seconds)
        cost, rate = map(float, done.stdout.split())
        return cost, rate
    finally:
        process.kill()
        process.communicate()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release/bin")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        make_certificate(folder)
        print(f"{'TLS 1.3 echo':28}{'asyncio':>10}{'limit':>10}   ratio   (us of server CPU)")
        for size, connections in CASES:
            costs = {server: [] for server in SERVERS}
            for number in range(arguments.rounds):
                for server in SERVERS[::1 if number % 2 else -1]:
                    cost, _ = measure(arguments.build, folder, server, size, connections,
                                      arguments.seconds)
                    costs[server].append(cost)
            ours, limit = (statistics.median(costs[server]) for server in SERVERS)
            what = f"{size} B, {connections} connections"
            print(f"{what:28}{ours:10.2f}{limit:10.2f}{ours / limit:8.2f}")


if __name__ == "__main__":
    main()
