;; A command of WASI 0.3; its run function returns at once, and what it was told to.
(component
  (import "wasi:cli/environment@0.3.0" (instance $environment (export "get-arguments" (func (result (list string))))))
  (core module $memory
    (memory (export "memory") 1)
    (global $end (mut i32) (i32.const 1024))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $end) (i32.const 7)) (i32.const -8)))
      (global.set $end (i32.add (local.get $at) (local.get 3)))
      (local.get $at)))
  (core instance $memory (instantiate $memory))
  (alias core export $memory "memory" (core memory $bytes))
  (alias core export $memory "realloc" (core func $realloc))
  (core func $arguments (canon lower (func $environment "get-arguments") (memory $bytes) (realloc $realloc)))
  (core func $return (canon task.return (result (result))))
  (core module $main
    (import "host" "memory" (memory 1))
    (import "host" "arguments" (func $arguments (param i32)))
    (import "host" "return" (func $return (param i32)))
    ;; It fails if it has an argument beside its name; 0 says that it has ended.
    (func (export "run") (result i32)
      (call $arguments (i32.const 0))
      (call $return (i32.gt_u (i32.load (i32.const 4)) (i32.const 1)))
      (i32.const 0))
    (func (export "again") (param i32 i32 i32) (result i32) unreachable))
  (core instance $main (instantiate $main (with "host" (instance
    (export "memory" (memory $bytes)) (export "arguments" (func $arguments)) (export "return" (func $return))))))
  (alias core export $main "again" (core func $again))
  (func $run async (result (result)) (canon lift (core func $main "run") async (callback $again)))
  (instance $run (export "run" (func $run)))
  (export "wasi:cli/run@0.3.0" (instance $run)))
