;; RUN: diff a.pb.gz b.pb.gz -o x.folded
;; EXIT: 2
