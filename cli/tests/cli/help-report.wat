;; RUN: report --help
