;; Writes a line to standard output and one to standard error.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\10\00\00\00\0e\00\00\00\20\00\00\00\08\00\00\00hello, world!\0a\00\00no news\0a")
  (func (export "_start")
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 64)))
    (drop (call $write (i32.const 2) (i32.const 8) (i32.const 1) (i32.const 64)))))
