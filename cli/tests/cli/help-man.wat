;; RUN: man --help
