;; RUN: doctor --help
