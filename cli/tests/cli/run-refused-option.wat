;; RUN: run -D guest-debug=y %
;; EXIT: 125

(module (func (export "_start")))
