;; RUN: run --preload lib=run-component-with-preload.wat %
;; EXIT: 125

(component)
