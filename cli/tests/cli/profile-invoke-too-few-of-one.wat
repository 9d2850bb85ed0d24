;; RUN: profile --invoke twice %
;; EXIT: 125

(module (func (export "twice") (param i32) (result i32) (local.get 0)))
