;; RUN: profile -o profile.json %
;; EXIT: 125

(module (memory (export "memory") 1) (func (export "_start")))
