;; RUN: profile %
;; A guest that ends at once: the report says that there are no samples, and the file is written.

(module (memory (export "memory") 1) (func (export "_start")))
