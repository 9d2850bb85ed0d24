;; RUN: symbolize % nothing.log
;; EXIT: 2
(module)
