;; RUN: run --preload lib=run-component-as-preload.wat %
;; EXIT: 125

(component)
