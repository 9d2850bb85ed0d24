;; RUN: report -h
