;; RUN: completions --help
