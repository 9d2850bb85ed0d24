;; RUN: run %
;; EXIT: 134

(module
  (func $odd (param i32) (result i32)
    (i32.add (call $even (local.get 0)) (i32.const 1)))
  (func $even (param i32) (result i32)
    (i32.add (call $odd (local.get 0)) (i32.const 1)))
  (func $main (drop (call $odd (i32.const 7))))
  (func (export "_start") (call $main)))
