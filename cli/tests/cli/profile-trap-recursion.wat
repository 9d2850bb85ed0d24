;; RUN: profile %
;; EXIT: 134
;; A recursion without end is shown in one line.

(module
  (memory (export "memory") 1)
  (func $again (param i64) (result i64)
    (i64.add (i64.const 1) (call $again (local.get 0))))
  (func (export "_start")
    (drop (call $again (i64.const 7)))))
