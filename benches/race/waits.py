#!/usr/bin/env python3
"""How well waiting is attributed: guests that measure their own naps, and whether all events add up to the wall time.

    waits.py WASMSCOPE GUESTS [RUNS]

GUESTS is the folder `testkit/guests`. For each guest, over RUNS runs: wait + ready in `nap_short` and `nap_long`, and the
same with the CPU time sampled there, in percent of what the guest measured around its naps; and cpu + wait + ready of all
in percent of the wall time. Prints medians, smallest and largest.
"""

import gzip
import os
import statistics
import subprocess
import sys
import tempfile

EXTENSION, RUN, DURATION, CPU = 7317, 2, 5, 6
RATE_HZ = 4999
GUESTS = [
    ("waits-p1.wasm", [], ["short", "long"]),
    ("waits-p2.wasm", [], ["short", "long"]),
    ("waits-p3-sync.wat", ["-S", "p3", "-W", "component-model-async"], []),
    ("waits-p3.wasm", ["-S", "p3", "-W", "component-model-async"], []),
]


def fields(message):
    """Parts a protobuf message into its fields: number and value."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(message):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
        elif key & 7 == 2:
            length = varint()
            yield key >> 3, message[at : at + length]
            at += length
        else:
            sys.exit(f"wire type {key & 7} is not expected")


def folded(wasmscope, profile, event):
    """Returns the weight of each stack: microseconds, or samples."""
    out = f"{profile}.{event}.folded"
    subprocess.run([wasmscope, "report", profile, "-e", event, "-o", out], check=True, stderr=subprocess.DEVNULL)
    with open(out) as lines:
        return [(stack, int(micros)) for stack, micros in (line.rsplit(" ", 1) for line in lines)]


def one_run(wasmscope, guest, options, naps):
    with tempfile.TemporaryDirectory() as folder:
        profile = os.path.join(folder, "p.pb.gz")
        command = [wasmscope, "profile", "-r", str(RATE_HZ), "-o", profile, *options, guest]
        printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        words = printed.stdout.split()
        off_cpu = folded(wasmscope, profile, "wait") + folded(wasmscope, profile, "ready")
        cpu = [(stack, samples * 1e6 / RATE_HZ) for stack, samples in folded(wasmscope, profile, "cpu")]
        with gzip.open(profile) as file:
            extension = dict(fields(file.read()))[EXTENSION]
        run = dict(fields(dict(fields(extension))[RUN]))
    shares = []
    for nap in naps:
        measured = int(words[words.index(f"measured_{nap}_us") + 1])
        for rows in (off_cpu, off_cpu + cpu):
            found = sum(micros for stack, micros in rows if f"nap_{nap}" in stack.replace("_[i]", "").split(";"))
            shares.append(100 * found / measured)
    total = sum(micros for _, micros in off_cpu) * 1000 + run[CPU]
    return shares + [100 * total / run[DURATION]]


def main():
    wasmscope, folder = sys.argv[1:3]
    runs = int(sys.argv[3]) if len(sys.argv) > 3 else 15
    for name, options, naps in GUESTS:
        results = [one_run(wasmscope, os.path.join(folder, name), options, naps) for _ in range(runs)]
        labels = [f"nap_{nap}, {what}" for nap in naps for what in ("wait + ready", "and cpu")]
        for label, series in zip(labels + ["all of wall time"], zip(*results)):
            print(f"{name:18} {label:23} {statistics.median(series):6.2f} % ({min(series):.2f}-{max(series):.2f})")


main()
