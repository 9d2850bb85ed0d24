;; RUN: diff -h
