;; RUN: profile -o a.json -f chrome %
;; EXIT: 125

(module (memory (export "memory") 1) (func (export "_start")))
