;; RUN: profile % --rate 100 -o flame.svg

(module (memory (export "memory") 1) (func (export "_start")))
