;; RUN: profile 12345
;; EXIT: 125
