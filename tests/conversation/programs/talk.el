;; SPDX-License-Identifier: MIT -*- lexical-binding: t; -*-
(package-initialize)
(require 'json)
(require 'plz)
(defun said (role text) `((role . ,role) (content . ,text)))
(dolist (messages (with-temp-buffer (insert-file-contents "talks.json") (json-parse-buffer :array-type 'list)))
  (plz 'post (getenv "CHAT_URL")
    :body (json-encode
           `((model . "m")
             (messages . ,(vconcat (list (said "system" (format-time-string "It is %c.")))
                                   (mapcar (lambda (m) (said (gethash "role" m) (gethash "text" m))) messages)))))))
