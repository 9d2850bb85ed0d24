;; RUN: report nothing.pb.gz
;; EXIT: 2
