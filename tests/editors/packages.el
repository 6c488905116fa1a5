;;; packages.el --- Find the packages that Debian installs  -*- lexical-binding: t -*-

;; `emacs -Q' leaves them out.
(require 'package)
(add-to-list 'package-directory-list "/usr/share/emacs/site-lisp/elpa")
(package-initialize)
