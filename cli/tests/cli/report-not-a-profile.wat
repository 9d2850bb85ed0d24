;; RUN: report %
;; EXIT: 2
