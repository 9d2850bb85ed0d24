;; The library of composed.wasm: `work` takes so many equal steps of a loop in $library_work.
(component $library
  (core module $library
    (func $library_work (param $steps i32) (result i64)
      (local $x i64)
      (local.set $x (i64.const 0x9e3779b97f4a7c15))
      (loop $again
        (local.set $x (i64.xor (local.get $x) (i64.shl (local.get $x) (i64.const 13))))
        (local.set $x (i64.xor (local.get $x) (i64.shr_u (local.get $x) (i64.const 7))))
        (local.set $x (i64.xor (local.get $x) (i64.shl (local.get $x) (i64.const 17))))
        (local.set $steps (i32.sub (local.get $steps) (i32.const 1)))
        (br_if $again (local.get $steps)))
      (local.get $x))

    (func $library_entry (export "work") (param $steps i32) (result i64)
      (call $library_work (local.get $steps))))
  (core instance $code (instantiate $library))

  (func $work (param "steps" u32) (result u64) (canon lift (core func $code "work")))
  (instance $interface (export "work" (func $work)))
  (export "testkit:composed/library" (instance $interface)))
