;;; drive.el --- One visit to a prompt file, reported as JSON  -*- lexical-binding: t -*-

(require 'cl-lib)
(require 'json)

(defun drive-wait (what holds)
  "Let Emacs work until HOLDS returns non-nil; complain about WHAT after a minute."
  (let ((end (+ (float-time) 60)) value)
    (while (not (setq value (funcall holds)))
      (when (> (float-time) end) (error "Waited in vain for %s" what))
      (accept-process-output nil 0.05)
      (sit-for 0.01))
    value))

(defun drive-text ()
  "The buffer's text."
  (buffer-substring-no-properties (point-min) (point-max)))

(defun drive-finding (found)
  "What a report says of the diagnostic FOUND."
  (let ((raw (cdr (assoc 'eglot-lsp-diag (flymake-diagnostic-data found)))))
    `((code . ,(plist-get raw :code))
      (words . ,(buffer-substring-no-properties
                 (flymake-diagnostic-beg found) (flymake-diagnostic-end found))))))

(defun drive-choose-rewrite (_prompt items &rest _)
  "Pick the rewrite among the titles in ITEMS."
  (or (cl-find-if (lambda (title) (string-match-p "apply rewrite" (downcase title))) (mapcar #'car items))
      (error "No rewrite among %S" (mapcar #'car items))))

(defun drive-visit ()
  "Open the draft, wait for its findings, apply the rewrite, undo it."
  (find-file (getenv "DEVROUTER_TEST_DRAFT"))
  ;; `eglot-ensure' connects after the command that visited the file, and a batch has no commands.
  (run-hooks 'post-command-hook)
  (drive-wait "a server" (lambda () (and (fboundp 'eglot-current-server) (eglot-current-server))))
  (drive-wait "findings" #'flymake-diagnostics)
  (let ((report `((findings . ,(vconcat (mapcar #'drive-finding (flymake-diagnostics))))))
        (last-nonmenu-event ?x))
    (undo-boundary)
    (cl-letf (((symbol-function 'completing-read) #'drive-choose-rewrite))
      (eglot-code-actions (point-min) (point-max) "quickfix" t))
    (push (cons 'rewritten (drive-text)) report)
    (undo-boundary)
    (undo)
    (push (cons 'undone (drive-text)) report)
    (with-temp-file (getenv "DEVROUTER_TEST_REPORT")
      (insert (json-encode report)))))

(drive-visit)

;;; drive.el ends here
