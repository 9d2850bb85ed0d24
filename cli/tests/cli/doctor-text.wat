;; RUN: doctor --skip-machine %
;; EXIT: 0
(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func $main (export "_start") (call $exit (i32.const 0))))
