;; RUN: profile nothing.wasm
;; EXIT: 125
