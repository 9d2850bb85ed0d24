;; RUN: profile -o stacks.folded -f firefox %
;; EXIT: 125

(module (memory (export "memory") 1) (func (export "_start")))
