;; RUN: symbolize --offsets code % 0x3
(module (func (@name "a\1b[31m\e2\80\aeb\nc") nop))
