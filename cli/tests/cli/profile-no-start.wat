;; RUN: profile %
;; EXIT: 125

(module (func (export "run")) (func (export "other")) (memory (export "memory") 1))
