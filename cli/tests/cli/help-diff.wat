;; RUN: diff --help
