;; RUN: completions -h
