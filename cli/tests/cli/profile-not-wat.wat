;; RUN: profile %
;; EXIT: 125

(module (func (export "_start") (i32.const 1)))
