;; RUN: profile %
;; EXIT: 125

(module (import "wasi_snapshot_preview1" "sock_dance" (func)) (func (export "_start")))
