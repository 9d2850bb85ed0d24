;; Exits with the number that is its first argument, and with 0 without one.
(module
  (import "wasi_snapshot_preview1" "args_get" (func $args (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start") (local $at i32) (local $code i32)
    (drop (call $args (i32.const 0) (i32.const 1024)))
    (if (i32.eqz (i32.load (i32.const 4))) (then (call $exit (i32.const 0))))
    (local.set $at (i32.load (i32.const 4)))
    (loop $digits
      (if (i32.load8_u (local.get $at))
        (then
          (local.set $code
            (i32.add (i32.mul (local.get $code) (i32.const 10))
              (i32.sub (i32.load8_u (local.get $at)) (i32.const 48))))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (br $digits))))
    (call $exit (local.get $code))
    unreachable))
