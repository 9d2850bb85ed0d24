;; RUN: diff no-such.pb.gz other.pb.gz
;; EXIT: 2
