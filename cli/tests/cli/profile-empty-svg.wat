;; RUN: profile -o flame.svg -o stacks.folded %
;; There is no flame graph without samples; that is no failure.

(module (memory (export "memory") 1) (func (export "_start")))
