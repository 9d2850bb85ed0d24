;; RUN: symbolize -h
