"""What tools/bench, tools/bench_net and tools/bench_chart share, one module a subject."""
