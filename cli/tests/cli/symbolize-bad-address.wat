;; RUN: symbolize % 0x3g
;; EXIT: 2
(module)
