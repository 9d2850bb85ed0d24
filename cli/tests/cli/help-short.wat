;; RUN: -h
