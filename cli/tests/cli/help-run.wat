;; RUN: run --help
