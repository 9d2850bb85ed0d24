;; RUN: doctor
;; EXIT: 2
