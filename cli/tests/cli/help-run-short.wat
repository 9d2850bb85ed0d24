;; RUN: run -h
