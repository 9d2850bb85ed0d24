;; RUN: run %
;; EXIT: 125

(component
  (import "wasi:http/outgoing-handler@0.2.3" (instance (export "handle" (func (result u64))))))
