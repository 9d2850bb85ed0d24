;; RUN: doctor -h
