;; RUN: profile --invoke add % 40 seven
;; EXIT: 125

(module (func (export "add") (param i32 i32) (result i32) (local.get 0)))
