;; RUN: man -h
