;; RUN: symbolize % 3ac
;; EXIT: 2
(module)
