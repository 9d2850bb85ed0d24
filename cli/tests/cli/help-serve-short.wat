;; RUN: serve -h
