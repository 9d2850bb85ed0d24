;; RUN: profile -h
