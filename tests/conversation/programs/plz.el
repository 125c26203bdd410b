;; SPDX-License-Identifier: MIT -*- lexical-binding: t; -*-
(package-initialize)
(require 'plz)
(dolist (n '("1" "2" "3"))
  (princ (plz 'post (getenv "CHAT_URL") :body (with-temp-buffer (insert-file-contents (concat n ".json")) (buffer-string)))))
