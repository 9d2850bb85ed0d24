;; RUN: profile %
;; EXIT: 134
;; Text that lists bytes has no lines, and cannot be built with -g.

(module binary "\00asm\01\00\00\00\01\04\01\60\00\00\03\02\01\00\07\0a\01\06_start\00\00\0a\05\01\03\00\00\0b")
