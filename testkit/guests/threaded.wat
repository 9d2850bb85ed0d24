;; For a host that starts threads itself: each has an instance of its own, and all share the memory that the host gives as
;; env.memory (1 page, at most 1, shared). Words there: 0 tickets given, 4 workers that are done, 8 (64 bits) steps made.
(module $threaded
  (import "env" "memory" (memory 1 1 shared))

  ;; Makes about so many steps, a million (some 2 ms) at a time, and counts them for all.
  (func $worker (param $steps i32) (result i64)
    (local $x i64) (local $slice i32)
    (local.set $x (i64.const 0x9e3779b97f4a7c15))
    (block $done
      (loop $slices
        (br_if $done (i32.le_s (local.get $steps) (i32.const 0)))
        (local.set $slice (i32.const 1000000))
        (loop $again
          (local.set $x (i64.xor (local.get $x) (i64.shl (local.get $x) (i64.const 13))))
          (local.set $x (i64.xor (local.get $x) (i64.shr_u (local.get $x) (i64.const 7))))
          (local.set $x (i64.xor (local.get $x) (i64.shl (local.get $x) (i64.const 17))))
          (local.set $slice (i32.sub (local.get $slice) (i32.const 1)))
          (br_if $again (local.get $slice)))
        (drop (i64.atomic.rmw.add (i32.const 8) (i64.const 1000000)))
        (local.set $steps (i32.sub (local.get $steps) (i32.const 1000000)))
        (br $slices)))
    (local.get $x))

  ;; Works, and returns its ticket: 0 for the first that came, and so on. All work the same, whatever their ticket.
  (func $run (export "run") (param $steps i32) (result i32)
    (local $ticket i32)
    (local.set $ticket (i32.atomic.rmw.add (i32.const 0) (i32.const 1)))
    (if (i64.eqz (call $worker (local.get $steps))) (then (unreachable)))
    (drop (i32.atomic.rmw.add (i32.const 4) (i32.const 1)))
    (drop (memory.atomic.notify (i32.const 4) (i32.const -1)))
    (local.get $ticket))

  ;; Waits in the guest, without using CPU, until so many workers are done; returns the steps that all made.
  (func $join (export "join") (param $workers i32) (result i64)
    (local $done i32)
    (block $enough
      (loop $again
        (local.set $done (i32.atomic.load (i32.const 4)))
        (br_if $enough (i32.ge_u (local.get $done) (local.get $workers)))
        (call $wait_for_change (local.get $done))
        (br $again)))
    (i64.atomic.load (i32.const 8)))

  (func $wait_for_change (param $done i32)
    (drop (memory.atomic.wait32 (i32.const 4) (local.get $done) (i64.const -1)))))
