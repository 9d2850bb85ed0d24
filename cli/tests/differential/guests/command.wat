;; A command of WASI 0.2 that writes a line to standard output and one to standard error.
(component
  (import "wasi:io/error@0.2.0" (instance $error (export "error" (type (sub resource)))))
  (alias export $error "error" (type $error))
  (import "wasi:io/streams@0.2.0" (instance $streams
    (export "output-stream" (type $stream (sub resource)))
    (alias outer 1 $error (type $outer))
    (export "error" (type $error (eq $outer)))
    (type $failure' (variant (case "last-operation-failed" (own $error)) (case "closed")))
    (export "stream-error" (type $failure (eq $failure')))
    (export "[method]output-stream.blocking-write-and-flush"
      (func (param "self" (borrow $stream)) (param "contents" (list u8)) (result (result (error $failure)))))))
  (alias export $streams "output-stream" (type $stream))
  (import "wasi:cli/stdout@0.2.0" (instance $out
    (alias outer 1 $stream (type $outer))
    (export "output-stream" (type $stream (eq $outer)))
    (export "get-stdout" (func (result (own $stream))))))
  (import "wasi:cli/stderr@0.2.0" (instance $err
    (alias outer 1 $stream (type $outer))
    (export "output-stream" (type $stream (eq $outer)))
    (export "get-stderr" (func (result (own $stream))))))
  (core module $memory (memory (export "memory") 1)
    (data (i32.const 0) "hello from a component\0a") (data (i32.const 32) "no news of it\0a"))
  (core instance $memory (instantiate $memory))
  (alias core export $memory "memory" (core memory $bytes))
  (core func $stdout (canon lower (func $out "get-stdout")))
  (core func $stderr (canon lower (func $err "get-stderr")))
  (core func $write
    (canon lower (func $streams "[method]output-stream.blocking-write-and-flush") (memory $bytes)))
  (core module $main
    (import "host" "stdout" (func $stdout (result i32)))
    (import "host" "stderr" (func $stderr (result i32)))
    (import "host" "write" (func $write (param i32 i32 i32 i32)))
    (func (export "run") (result i32)
      (call $write (call $stdout) (i32.const 0) (i32.const 23) (i32.const 64))
      (call $write (call $stderr) (i32.const 32) (i32.const 14) (i32.const 64))
      (i32.const 0)))
  (core instance $main (instantiate $main (with "host" (instance
    (export "stdout" (func $stdout)) (export "stderr" (func $stderr)) (export "write" (func $write))))))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $run (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $run)))
