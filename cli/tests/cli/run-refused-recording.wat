;; RUN: run -R path=trace %
;; EXIT: 125

(module (func (export "_start")))
