;; RUN: run %
;; EXIT: 125

(component
  (import "wasi:clocks/monotonic-clock@0.9.0" (instance (export "now" (func (result u64))))))
