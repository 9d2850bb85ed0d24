#!/usr/bin/env python3
"""CPU time of `wasmscope run` against `wasmtime run` for one short guest, both caches warm, in interleaved starts.

    start-up.py WASMTIME WASMSCOPE GUEST [STARTS]

WASMTIME is wasmtime's own executable, not a script that starts it. Prints both medians, and their ratio with the bounds of
95 % of 2 000 resamplings.
"""

import os
import random
import statistics
import subprocess
import sys


def cpu_millis(command):
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"{command} ended with {status}")
    return (usage.ru_utime + usage.ru_stime) * 1e3


def main():
    wasmtime, wasmscope, guest = sys.argv[1:4]
    starts = int(sys.argv[4]) if len(sys.argv) > 4 else 200
    commands = [[wasmtime, "run", "-C", "cache=y", guest], [wasmscope, "run", guest]]
    for command in commands * 3:
        cpu_millis(command)
    times = [[], []]
    for _ in range(starts):
        for which in random.sample([0, 1], 2):
            times[which].append(cpu_millis(commands[which]))
    medians = [statistics.median(series) for series in times]
    ratios = sorted(
        statistics.median(random.choices(times[1], k=starts)) / statistics.median(random.choices(times[0], k=starts))
        for _ in range(2000)
    )
    print(f"wasmtime {medians[0]:.2f} ms, wasmscope {medians[1]:.2f} ms of CPU time, {starts} starts each")
    print(f"ratio {medians[1] / medians[0]:.3f} ({ratios[50]:.3f}-{ratios[1949]:.3f})")


main()
