#!/usr/bin/env python3
"""Does `diff --fail-above` tell a regression from noise? On real recordings of one program, and of it with 10 % more work.

usage: diff.py WASMSCOPE [ROUNDS]

Each round records the program, and the program with one function a tenth slower, in turn. The program against itself (the
round before) must not fail at the default threshold; the slower one against it must, and name that function, and no other
but those that call it.
"""
import pathlib
import subprocess
import sys
import tempfile

STEPS = {"hot": 500_000, "parse": 200_000, "sort": 150_000, "print": 100_000}
RATE_HZ = "9973"


def guest(steps):
    """The text of a guest whose functions burn known numbers of steps, in turns."""
    body = """(local.set $x (i64.const 88172645463325252))
    (loop $again
      (local.set $x (i64.xor (local.get $x) (i64.shl (local.get $x) (i64.const 13))))
      (local.set $x (i64.xor (local.get $x) (i64.shr_u (local.get $x) (i64.const 7))))
      (local.set $x (i64.xor (local.get $x) (i64.shl (local.get $x) (i64.const 17))))
      (br_if $again (local.tee $steps (i32.sub (local.get $steps) (i32.const 1)))))
    (global.set $sink (i64.xor (global.get $sink) (local.get $x)))"""
    functions = "".join(f"(func ${name} (param $steps i32) (local $x i64)\n    {body})\n" for name in steps)
    calls = " ".join(f"(call ${name} (i32.const {count}))" for name, count in steps.items())
    return f"""(module {functions} (global $sink (mut i64) (i64.const 0)) (func $turn {calls})
  (func (export "_start") (local $turns i32) (local.set $turns (i32.const 1500))
    (loop $again (call $turn) (br_if $again (local.tee $turns (i32.sub (local.get $turns) (i32.const 1)))))))"""


def main():
    wasmscope, rounds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 100
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "same.wat").write_text(guest(STEPS))
        (folder / "slower.wat").write_text(guest({**STEPS, "hot": STEPS["hot"] * 11 // 10}))

        def record(name, number):
            out = folder / f"{name}-{number}.pb.gz"
            command = [wasmscope, "profile", "-r", RATE_HZ, "-o", out, folder / f"{name}.wat"]
            subprocess.run(command, check=True, capture_output=True)
            return out

        def fails(before, after):
            done = subprocess.run([wasmscope, "diff", before, after, "--fail-above"], capture_output=True, text=True)
            if done.returncode not in (0, 1):
                sys.exit(done.stderr)
            named = {line.split(":")[1].strip() for line in done.stderr.splitlines() if line.startswith("error:")}
            return done.returncode == 1, named

        false_alarms, found, misnamed = 0, 0, 0
        before = record("same", "first")
        for number in range(rounds):
            same, slower = record("same", number), record("slower", number)
            false_alarms += fails(before, same)[0]
            failed, named = fails(same, slower)
            found += failed
            misnamed += failed and not {"hot"} <= named <= {"hot", "turn", "_start"}
            before.unlink()
            slower.unlink()
            before = same
        print(f"the same program failed {false_alarms} of {rounds} times, 10 % more work {found} of {rounds}, "
              f"{misnamed} of them under another name")
        sys.exit(0 if (false_alarms, found, misnamed) == (0, rounds, 0) else 1)


main()
