;; RUN: profile %
;; EXIT: 125

(component)
