"""A WASI 0.2 command in Python: about a second of CPU in burn, called by rounds. The interpreter is the guest's code."""
from wit_world import exports


def burn(steps):
    x = 1
    for _ in range(steps):
        x = (x * 48271) % 2147483647
    return x


def rounds(count, steps):
    return [burn(steps) for _ in range(count)]


class Run(exports.Run):
    def run(self):
        results = rounds(10, 270_000)
        print("rounds", len(results), "result", results[-1])
