;; RUN: symbolize --help
