;; RUN: symbolize % 0x0 0xffffffffffffffff
;; EXIT: 1
(module (func $leaf nop))
