;; RUN: profile -o flame.png %
;; EXIT: 125

(module (memory (export "memory") 1) (func (export "_start")))
