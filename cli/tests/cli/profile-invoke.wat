;; RUN: profile --invoke add % 40 0x2

(module (func (export "add") (param i32 i64) (result i32 i64)
  (i32.add (local.get 0) (i32.wrap_i64 (local.get 1)))
  (i64.mul (local.get 1) (i64.const -3))))
