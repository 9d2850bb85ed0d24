;; RUN: profile --help
