;; RUN: profile %
;; EXIT: 125

(module (func (export "_start" nop)
