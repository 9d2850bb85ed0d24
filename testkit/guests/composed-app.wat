;; The command of composed.wasm: 50 rounds of 1 800 000 steps in $app_work and 4 200 000 in the library, 3 to 7, each round
;; a call from one component into the other. The steps are the library's, and cost the same.
(component $app
  (type $library (instance
    (export "work" (func (param "steps" u32) (result u64)))))
  (import "testkit:composed/library" (instance $library (type $library)))
  (core func $library_work (canon lower (func $library "work")))

  (core module $app
    (import "library" "work" (func $library_call (param i32) (result i64)))

    (func $app_work (param $steps i32) (result i64)
      (local $x i64)
      (local.set $x (i64.const 0x9e3779b97f4a7c15))
      (loop $again
        (local.set $x (i64.xor (local.get $x) (i64.shl (local.get $x) (i64.const 13))))
        (local.set $x (i64.xor (local.get $x) (i64.shr_u (local.get $x) (i64.const 7))))
        (local.set $x (i64.xor (local.get $x) (i64.shl (local.get $x) (i64.const 17))))
        (local.set $steps (i32.sub (local.get $steps) (i32.const 1)))
        (br_if $again (local.get $steps)))
      (local.get $x))

    ;; Fails if a generator got to zero, which it cannot.
    (func $app_run (export "run") (result i32)
      (local $rounds i32)
      (local.set $rounds (i32.const 50))
      (loop $again
        (if (i64.eqz (call $app_work (i32.const 1800000))) (then (return (i32.const 1))))
        (if (i64.eqz (call $library_call (i32.const 4200000))) (then (return (i32.const 1))))
        (local.set $rounds (i32.sub (local.get $rounds) (i32.const 1)))
        (br_if $again (local.get $rounds)))
      (i32.const 0)))
  (core instance $code (instantiate $app
    (with "library" (instance (export "work" (func $library_work))))))

  (func $run (result (result)) (canon lift (core func $code "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $command)))
