;; RUN: profile -o nowhere/flame.svg %
;; EXIT: 125

(module (memory (export "memory") 1) (func (export "_start")))
