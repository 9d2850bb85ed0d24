;; RUN: profile %
;; EXIT: 1

(component)
