;; RUN: profile --engine epoch --timer perf %
;; EXIT: 125

(module (memory (export "memory") 1) (func (export "_start")))
