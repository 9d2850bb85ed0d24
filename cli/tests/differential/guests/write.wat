;; Writes its name into the file that its first argument names in the first directory; exits with the error number if
;; it cannot.
(module
  (import "wasi_snapshot_preview1" "args_get" (func $args (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func $check (param $error i32)
    (if (local.get $error) (then (call $exit (local.get $error)))))
  (func $length (param $text i32) (result i32) (local $at i32)
    (local.set $at (local.get $text))
    (loop $bytes
      (if (i32.load8_u (local.get $at))
        (then (local.set $at (i32.add (local.get $at) (i32.const 1))) (br $bytes))))
    (i32.sub (local.get $at) (local.get $text)))
  (func (export "_start") (local $path i32)
    (call $check (call $args (i32.const 1024) (i32.const 2048)))
    (local.set $path (i32.load (i32.const 1028)))
    ;; Create it or cut it to nothing, with the right to write.
    (call $check
      (call $open (i32.const 3) (i32.const 1) (local.get $path) (call $length (local.get $path))
        (i32.const 9) (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 16)))
    (i32.store (i32.const 0) (i32.load (i32.const 1024)))
    (i32.store (i32.const 4) (call $length (i32.load (i32.const 1024))))
    (call $check (call $write (i32.load (i32.const 16)) (i32.const 0) (i32.const 1) (i32.const 8)))))
