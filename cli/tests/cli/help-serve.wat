;; RUN: serve --help
