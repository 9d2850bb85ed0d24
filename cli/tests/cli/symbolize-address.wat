;; RUN: symbolize --offsets code % 0x3 0x7
(module
  (func $leaf nop)
  (func $caller
    call $leaf))
