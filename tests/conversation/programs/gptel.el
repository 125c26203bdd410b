;; SPDX-License-Identifier: MIT -*- lexical-binding: t; -*-
;; As gptel does: the curl binary in a process of its own, its options on standard input, the body in them.
(dolist (n '("1" "2" "3"))
  (let* ((body (with-temp-buffer (insert-file-contents (concat n ".json")) (buffer-string)))
         (process (make-process :name "chat" :buffer "out" :command '("curl" "-sS" "--config" "-")
                                :connection-type 'pty :sentinel #'ignore)))
    (process-send-string process (format "url = %S\ndata = %S\n" (getenv "CHAT_URL") body))
    (process-send-eof process)
    (while (accept-process-output process 5))))
(princ (with-current-buffer "out" (buffer-string)))
