;; SPDX-License-Identifier: MIT -*- lexical-binding: t; -*-
;; Emacs with plz, which runs curl as a child: one request that is waited for, and one that is not.
;; An answer is not looked at: on a busy machine this plz loses or repeats parts of one, or all of it.
(package-initialize)
(require 'plz)

(let ((url (getenv "CHAT_URL"))
      (headers '(("Authorization" . "Bearer sk-test") ("Content-Type" . "application/json")))
      done)
  (defun show (_answer)
    (princ "answered\n"))
  (show (plz 'post url :headers headers :body "{}"))
  (plz 'post (concat url "?later") :headers headers :body "{}"
    :then (lambda (answer) (show answer) (setq done t)))
  (while (not done) (accept-process-output nil 0.1)))
