;; RUN: profile -o a.svg -o a.svg %
;; EXIT: 125

(module (memory (export "memory") 1) (func (export "_start")))
