;; RUN: run %
;; EXIT: 134

(module
  (memory 1)
  (func $read (param i32) (result i32) (i32.load (local.get 0)))
  (func (export "_start") (drop (call $read (i32.const -4)))))
