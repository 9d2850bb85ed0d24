;; RUN: diff a.pb.gz b.pb.gz -o x.html
;; EXIT: 2
