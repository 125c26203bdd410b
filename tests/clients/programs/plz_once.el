;; SPDX-License-Identifier: MIT -*- lexical-binding: t; -*-
;; Emacs with plz: one chat request, and the status of its answer.
(package-initialize)
(require 'plz)

(let (status)
  (plz 'post (getenv "CHAT_URL")
    :headers '(("Content-Type" . "application/json"))
    :body "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}"
    :as 'response
    :then (lambda (response) (setq status (plz-response-status response)))
    :else (lambda (failure) (setq status (plz-response-status (plz-error-response failure)))))
  (while (not status) (accept-process-output nil 0.1))
  (princ (format "status %d\n" status)))
