;; A WASI 0.3 command that waits inside a synchronous call of an asynchronous import: while it waits, its frames stay on
;; the stack. 10 naps of 20 ms in $inner_nap, called by $outer_nap, called by $run; then some 200 ms of CPU in $burn.
(component $waits_p3_sync
  (type $clocks (instance
    (type (func async (param "how-long" u64)))
    (export "wait-for" (func (type 0)))))
  (import "wasi:clocks/monotonic-clock@0.3.0" (instance $clock (type $clocks)))
  ;; Lowered without `async`: the core function returns when the time is over.
  (core func $wait_for (canon lower (func $clock "wait-for")))

  (core module $waits
    (import "host" "wait_for" (func $wait_for (param i64)))
    (global $sink (mut i64) (i64.const 0))

    (func $inner_nap (param $ns i64)
      (call $wait_for (local.get $ns)))

    (func $outer_nap (param $naps i32)
      (loop $again
        (call $inner_nap (i64.const 20000000))
        (local.set $naps (i32.sub (local.get $naps) (i32.const 1)))
        (br_if $again (local.get $naps))))

    ;; A xorshift, each step of which needs the one before.
    (func $burn (param $steps i32)
      (local $x i64)
      (local.set $x (i64.const 0x9e3779b97f4a7c15))
      (loop $again
        (local.set $x (i64.xor (local.get $x) (i64.shl (local.get $x) (i64.const 13))))
        (local.set $x (i64.xor (local.get $x) (i64.shr_u (local.get $x) (i64.const 7))))
        (local.set $x (i64.xor (local.get $x) (i64.shl (local.get $x) (i64.const 17))))
        (local.set $steps (i32.sub (local.get $steps) (i32.const 1)))
        (br_if $again (local.get $steps)))
      (global.set $sink (local.get $x)))

    ;; 0 is `ok`.
    (func $run (export "run") (result i32)
      (call $outer_nap (i32.const 10))
      (call $burn (i32.const 115000000))
      (i32.const 0)))
  (core instance $code (instantiate $waits (with "host" (instance (export "wait_for" (func $wait_for))))))

  (type $run_type (func async (result (result))))
  (func $run (type $run_type) (canon lift (core func $code "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.3.0" (instance $command)))
