;; A command of WASI 0.2 that fails unless it has three arguments and two variables of its environment.
(component
  (import "wasi:cli/environment@0.2.0" (instance $environment
    (export "get-arguments" (func (result (list string))))
    (export "get-environment" (func (result (list (tuple string string)))))))
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
  (core func $variables (canon lower (func $environment "get-environment") (memory $bytes) (realloc $realloc)))
  (core module $main
    (import "host" "memory" (memory 1))
    (import "host" "arguments" (func $arguments (param i32)))
    (import "host" "variables" (func $variables (param i32)))
    (func (export "run") (result i32)
      (call $arguments (i32.const 0))
      (call $variables (i32.const 8))
      (i32.or (i32.ne (i32.load (i32.const 4)) (i32.const 3)) (i32.ne (i32.load (i32.const 12)) (i32.const 2)))))
  (core instance $main (instantiate $main (with "host" (instance
    (export "memory" (memory $bytes)) (export "arguments" (func $arguments)) (export "variables" (func $variables))))))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $run (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $run)))
