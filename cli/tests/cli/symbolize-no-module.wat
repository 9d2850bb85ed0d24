;; RUN: symbolize 0x3
;; EXIT: 2
