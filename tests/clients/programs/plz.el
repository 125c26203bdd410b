;; SPDX-License-Identifier: MIT -*- lexical-binding: t; -*-
;; Emacs with plz, which runs curl as a child: one request that is waited for, and one that is not.
;; Of an answer only its kind is shown: on a busy machine this plz loses or repeats parts of one.
(package-initialize)
(require 'plz)

(let ((url (getenv "CHAT_URL"))
      (headers '(("Authorization" . "Bearer sk-test") ("Content-Type" . "application/json")))
      done)
  (defun show (answer)
    (princ (if (string-match-p "chat.completion" answer) "answered\n" answer)))
  (show (plz 'post url :headers headers :body "{}"))
  (plz 'post (concat url "?later") :headers headers :body "{}"
    :then (lambda (answer) (show answer) (setq done t)))
  (while (not done) (accept-process-output nil 0.1)))
