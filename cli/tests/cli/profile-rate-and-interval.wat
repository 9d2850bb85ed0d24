;; RUN: profile -r 99 -i 1ms %
;; EXIT: 125

(module (memory (export "memory") 1) (func (export "_start")))
