;; RUN: profile %
;; EXIT: 125

(module (func))
