;; RUN: diff a.pb.gz b.pb.gz --fail-above much
;; EXIT: 2
