;; RUN: profil
;; EXIT: 2
