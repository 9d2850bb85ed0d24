;; RUN: profile %
;; EXIT: 134
;; The backtrace has the lines of this file.

(module
  (memory (export "memory") 1)
  (func $divide (param i32 i32) (result i32)
    (i32.div_s (local.get 0) (local.get 1)))
  (func $halve (param i32) (result i32)
    (call $divide
      (local.get 0)
      (i32.const 0)))
  (func (export "_start")
    (drop (call $halve (i32.const 7)))))
