;; Writes the name of each directory that it was given, and what is in it.
(module
  (import "wasi_snapshot_preview1" "fd_prestat_get" (func $given (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_prestat_dir_name" (func $name (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_readdir" (func $list (param i32 i32 i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 0) ":\0a  ")
  (func $say (param $text i32) (param $length i32)
    (i32.store (i32.const 16) (local.get $text))
    (i32.store (i32.const 20) (local.get $length))
    (drop (call $write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 24))))
  (func $say_entries (param $at i32) (param $end i32)
    (loop $entries
      ;; An entry is 24 bytes, of which the length of the name is at 16, and then the name.
      (if (i32.lt_u (local.get $at) (local.get $end))
        (then
          (call $say (i32.const 2) (i32.const 2))
          (call $say (i32.add (local.get $at) (i32.const 24)) (i32.load offset=16 (local.get $at)))
          (call $say (i32.const 1) (i32.const 1))
          (local.set $at (i32.add (i32.add (local.get $at) (i32.const 24)) (i32.load offset=16 (local.get $at))))
          (br $entries)))))
  (func (export "_start") (local $directory i32)
    (local.set $directory (i32.const 3))
    (loop $directories
      (if (i32.eqz (call $given (local.get $directory) (i32.const 32)))
        (then
          (drop (call $name (local.get $directory) (i32.const 1024) (i32.load (i32.const 36))))
          (call $say (i32.const 1024) (i32.load (i32.const 36)))
          (call $say (i32.const 0) (i32.const 2))
          (drop (call $list (local.get $directory) (i32.const 65536) (i32.const 65536) (i64.const 0) (i32.const 40)))
          (call $say_entries (i32.const 65536) (i32.add (i32.const 65536) (i32.load (i32.const 40))))
          (local.set $directory (i32.add (local.get $directory) (i32.const 1)))
          (br $directories))))))
